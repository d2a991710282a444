import { noticesContract } from "../adapters/notices-contract.ts";
import { memoryNotices } from "./memory-notices.ts";

noticesContract("in memory", async () => ({ notices: memoryNotices() }));

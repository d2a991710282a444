import { windowsContract } from "../adapters/windows-contract.ts";
import { memoryWindows } from "./memory-windows.ts";

windowsContract("in the memory", async () => ({ book: memoryWindows(), close: async () => {} }));

import type { NoticeDesk } from "../core/notice.ts";
import { type CentrapayNoticeOptions, centrapayNotices } from "./centrapay/notice.ts";
import { type CentrobillNoticeOptions, centrobillNotices } from "./centrobill/notice.ts";

/** What each gateway's notices are proved by. A gateway without options is not heard. */
export type NoticeOptions = {
  readonly centrobill?: CentrobillNoticeOptions;
  readonly centrapay?: CentrapayNoticeOptions;
};

/** Where notices come in, one desk a gateway. Apart from the registry: receiving them needs nothing else of it. */
export const noticeDesksOf = (options: NoticeOptions): readonly NoticeDesk[] => [
  ...(options.centrobill === undefined ? [] : [centrobillNotices(options.centrobill)]),
  ...(options.centrapay === undefined ? [] : [centrapayNotices(options.centrapay)]),
];

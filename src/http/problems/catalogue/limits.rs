//! Of what is too much, does not fit together, or is not to be had now.

use super::{Explained, problem};

pub(super) const ALL: &[Explained] = &[
    problem(
        "too_large",
        413,
        [
            "The body is too large",
            "Bodies may hold 1 MiB; batches and messages with `personalise` 16 MiB; imports 64 MiB.",
            "Send less at once: split the batch, or name a group instead of listing recipients.",
        ],
        [
            "请求体过大",
            "普通请求体上限为 1 MiB；批量提交及带 personalise 的消息为 16 MiB；导入为 64 MiB。",
            "请减小单次请求：拆分批次，或用用户组代替逐一列出人员。",
        ],
    ),
    problem(
        "unsupported_media_type",
        415,
        [
            "Another media type is expected",
            "The Content-Type header does not name what this path takes.",
            "Send `Content-Type: application/json`; for imports `application/x-ndjson` or `text/csv`.",
        ],
        [
            "媒体类型不支持",
            "Content-Type 请求头与该路径所接受的类型不符。",
            "请发送 `Content-Type: application/json`；导入时用 `application/x-ndjson` 或 `text/csv`。",
        ],
    ),
    problem(
        "invalid",
        422,
        [
            "The request breaks rules",
            "The body can be read, but breaks one or more rules. `errors` lists every one of them: `pointer` says \
             where, `code` what, `detail` how to mend it.",
            "Mend all that is listed in `errors` and send the request again. Nothing of it was kept.",
        ],
        [
            "请求不符合规则",
            "请求体可以解析，但违反了一条或多条规则。errors 会列出全部问题：pointer 指出位置，code 指出类别，detail 说明如何改正。",
            "请按 errors 逐条改正后重新提交。本次请求没有保存任何内容。",
        ],
    ),
    problem(
        "idempotency_mismatch",
        422,
        [
            "This Idempotency-Key was used for something else",
            "A request with the same Idempotency-Key and a different body was accepted before.",
            "Use a new key for each new message, and the old key with the very same body only to repeat a request.",
        ],
        [
            "幂等键已用于其他内容",
            "此前已接受过一个 Idempotency-Key 相同但请求体不同的请求。",
            "每条新消息请使用新的键；仅在原样重试同一请求时才复用旧键。",
        ],
    ),
    problem(
        "rate_limited",
        429,
        [
            "Too many requests",
            "The source sent more requests a second than it may; the RateLimit headers say how many that is. Of a stream \
             of events: as many are read as may be, and `detail` says how many. Without a key: too much came from your \
             network.",
            "Wait as many seconds as Retry-After says and repeat the request. `POST /api/v1/messages/batch` keeps \
             many messages with one request. Of streams, end one before you open another.",
        ],
        [
            "请求过于频繁",
            "来源系统每秒请求数超过限额，RateLimit 响应头给出限额；对事件流，则是同时打开的流已达上限，detail 中写明数目；未使用密钥时，则是您所在网络的请求过多。",
            "请等待 Retry-After 给出的秒数后重试。`POST /api/v1/messages/batch` 可以一次提交多条消息。事件流请先关闭一个再打开新的。",
        ],
    ),
    problem(
        "quota_exhausted",
        429,
        [
            "The daily quota is used up",
            "The source has sent as many messages today as it may. The day is the campus's calendar day.",
            "Wait until Retry-After is over, or ask an administrator for a larger quota.",
        ],
        [
            "当日配额已用完",
            "来源系统今日发送的消息数已达上限。“今日”按校区时区的自然日计算。",
            "请等待 Retry-After 所示时间后再发送，或请管理员提高配额。",
        ],
    ),
    problem(
        "too_many_waiting",
        429,
        [
            "Too many wait already",
            "As many registrations of sources wait for an administrator as are kept, from your network or from all. \
             Nothing of this one was kept.",
            "Ask an administrator of the platform to look at those that wait, and do not register twice what waits \
             already. Retry-After says when to try again.",
        ],
        [
            "等待审批的申请过多",
            "您所在网络或全部网络等待管理员审批的来源系统申请已达上限。本次申请没有保存。",
            "请联系平台管理员处理等待中的申请；已提交的申请无需重复提交。可在 Retry-After 所示时间后重试。",
        ],
    ),
    problem(
        "registration_decided",
        409,
        [
            "The registration was decided already",
            "Another administrator approved or rejected it meanwhile, or it expired.",
            "Look at the registration again.",
        ],
        ["该申请已处理", "其他管理员已批准或驳回该申请，或申请已过期。", "请重新查看该申请。"],
    ),
    problem(
        "internal",
        500,
        [
            "Something went wrong on our side",
            "The request met a fault of the platform. It was logged with the request id.",
            "Repeat the request with the same Idempotency-Key. If it fails again, tell the administrators the \
             request id.",
        ],
        [
            "平台内部错误",
            "处理请求时平台发生故障，已连同请求编号一并记入日志。",
            "请使用相同的 Idempotency-Key 重试；若仍失败，请将请求编号告知管理员。",
        ],
    ),
    problem(
        "unavailable",
        503,
        [
            "Temporarily unavailable",
            "The platform cannot take requests at this moment, for instance because its store does not answer. \
             Nothing of the request was kept.",
            "Wait as many seconds as Retry-After says and repeat the request with the same Idempotency-Key.",
        ],
        [
            "暂时不可用",
            "平台此刻无法处理请求，例如数据库没有响应。本次请求没有保存任何内容。",
            "请等待 Retry-After 给出的秒数，再使用相同的 Idempotency-Key 重试。",
        ],
    ),
];

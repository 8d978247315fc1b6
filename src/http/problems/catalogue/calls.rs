//! Of any call: how it is written, who makes it and where it goes.

use super::{Explained, problem};

pub(super) const ALL: &[Explained] = &[
    problem(
        "malformed",
        400,
        [
            "The request cannot be read",
            "The body is not valid JSON (or the headers are not valid HTTP). `detail` names the line and column \
             where reading stopped.",
            "Build the body with a JSON library instead of joining strings, send it as UTF-8, and do not nest it \
             deeper than 100 levels.",
        ],
        [
            "请求无法解析",
            "请求体不是合法的 JSON（或请求头不合规范）。detail 会给出解析中断处的行号和列号。",
            "请用 JSON 库生成请求体，不要手工拼接字符串；使用 UTF-8 编码；嵌套不要超过 100 层。",
        ],
    ),
    problem(
        "unauthenticated",
        401,
        [
            "No valid API key",
            "The Authorization header is missing, or its key is unknown, revoked or expired, or the source it \
             belongs to is disabled.",
            "Send `Authorization: Bearer bt_live_…` (or `bt_test_…` while developing). An administrator sees in \
             the console whether the key still stands and can issue another.",
        ],
        [
            "缺少有效的密钥",
            "缺少 Authorization 请求头，或其中的密钥不存在、已吊销、已过期，或其来源系统已被停用。",
            "请发送 `Authorization: Bearer bt_live_…`（联调时用 `bt_test_…`）。管理员可在控制台查看密钥状态并签发新密钥。",
        ],
    ),
    problem(
        "forbidden",
        403,
        [
            "Known, but not allowed",
            "The key is valid, and its source lacks the right, topic or channel that this request needs. `detail` \
             names what is missing.",
            "Ask an administrator to grant it to the source, or stay within what `GET /api/v1/source` lists.",
        ],
        [
            "没有权限",
            "密钥有效，但其来源系统缺少本请求所需的权限、主题或渠道。detail 会指明缺少什么。",
            "请联系管理员为来源系统授权，或只使用 `GET /api/v1/source` 所列的范围。",
        ],
    ),
    problem(
        "address_not_allowed",
        403,
        [
            "Not from this address",
            "The key is valid, and its source may call from certain networks only. `detail` names the address the call \
             came from, as the platform sees it: behind a proxy or NAT that is not the address of your server.",
            "Call from one of the source's networks, or ask an administrator to add the address that `detail` names to \
             them. Where it is the address of the platform's own proxy, the administrator names the proxy in \
             `server.trusted_proxies`.",
        ],
        [
            "来源地址不在允许范围内",
            "密钥有效，但其来源系统只能从指定网段调用。detail 会给出平台看到的来源地址；经过代理或 NAT 时，它不是您服务器自己的地址。",
            "请从允许的网段调用，或请管理员把 detail 给出的地址加入该来源系统的允许网段。如果那是平台前面代理的地址，请管理员在 \
             `server.trusted_proxies` 中登记该代理。",
        ],
    ),
    problem(
        "not_found",
        404,
        [
            "There is no such thing",
            "Nothing lives at this path, or the id is unknown, or it belongs to another source.",
            "Check the path against the documentation and use ids exactly as you received them.",
        ],
        [
            "找不到",
            "该路径不存在，或标识未知，或该对象属于其他来源系统。",
            "请对照接口文档检查路径，并原样使用接口返回的标识。",
        ],
    ),
    problem(
        "method_not_allowed",
        405,
        [
            "Not with this method",
            "The path exists and does not answer to this HTTP method. The Allow header lists those it answers to.",
            "Use one of the methods in the Allow header.",
        ],
        [
            "请求方法不对",
            "该路径存在，但不支持此 HTTP 方法。支持的方法列在 Allow 响应头中。",
            "请改用 Allow 响应头所列的方法。",
        ],
    ),
];

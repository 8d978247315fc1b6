//! Every kind of problem in words.

use super::{Explained, Words};

const fn problem(code: &'static str, status: u16, en: [&'static str; 3], zh: [&'static str; 3]) -> Explained {
    const fn words([title, meaning, remedy]: [&'static str; 3]) -> Words {
        Words { title, meaning, remedy }
    }
    Explained { code, status, en: words(en), zh: words(zh) }
}

/// What stands in for a code that the catalogue lacks.
pub(super) const UNEXPLAINED: Explained = problem(
    "conflict",
    409,
    [
        "The object's state does not allow this",
        "What you asked for does not fit the state the object is in now.",
        "Read the object again and decide anew.",
    ],
    ["对象当前状态不允许此操作", "所请求的操作与对象当前状态不符。", "请重新读取该对象后再决定。"],
);

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
    problem(
        "ended",
        409,
        [
            "The message has ended",
            "The message is cancelled, expired or found nobody to go to, so that there is nothing left to stop.",
            "Read the message to see how it ended. To say it again, send a new one.",
        ],
        [
            "消息已结束",
            "该消息已取消、已过期或没有可送达的对象，没有可以停止的投递。",
            "请读取该消息查看其结局；如需再次发送，请提交新消息。",
        ],
    ),
    problem(
        "not_sent",
        409,
        [
            "There is nothing to send again yet",
            "Only a message that is being sent, is completed or was cancelled has deliveries to send again.",
            "Wait until the message is sending or completed, then repeat the request.",
        ],
        [
            "尚无可重发的投递",
            "只有发送中、已完成或已取消的消息才有可以重发的投递。",
            "请等消息进入发送中或已完成状态后再重试。",
        ],
    ),
    problem(
        "content_removed",
        409,
        [
            "What the message said was removed",
            "The time for which this installation keeps what messages said is over (`content_removed_at`), so there is nothing to send again.",
            "Send a new message.",
        ],
        [
            "消息内容已删除",
            "消息内容已超过本系统的保留期限（见 `content_removed_at`），无法再次发送。",
            "请发送一条新消息。",
        ],
    ),
    problem(
        "not_held",
        409,
        [
            "The message is not held",
            "Only a message that waits for a reviewer can be released or rejected; somebody may have done it already.",
            "Look at the message's timeline to see who decided what.",
        ],
        [
            "消息不在待审核状态",
            "只有等待审核的消息才能放行或驳回；可能已有他人处理。",
            "请查看消息的时间线，了解处理人和结果。",
        ],
    ),
    problem(
        "changed_meanwhile",
        409,
        [
            "Somebody else was faster",
            "The object was changed after it was read, so that this change would undo the other one.",
            "Read the object again, decide anew and repeat the change.",
        ],
        [
            "已被他人修改",
            "该对象在读取之后已被修改，继续保存会覆盖他人的改动。",
            "请重新读取该对象，确认后再次修改。",
        ],
    ),
    problem(
        "uniqueness",
        409,
        [
            "There is one already",
            "An identity system (SCIM) creates a person whose `userName` somebody has, in any case, or gives a group the \
             `displayName` of another.",
            "Look for it with `filter=userName eq \"…\"` or `filter=displayName eq \"…\"` and change what is there.",
        ],
        [
            "已经存在",
            "身份系统（SCIM）要创建的人员，其 userName 已被占用（不区分大小写），或用户组的 displayName 与其他组相同。",
            "请用 `filter=userName eq \"…\"` 或 `filter=displayName eq \"…\"` 查到已有对象后再修改。",
        ],
    ),
    problem(
        "dynamic_group",
        409,
        [
            "The group finds its members itself",
            "A dynamic group reaches whoever its filter finds, so that nobody can be put in or taken out by hand.",
            "Change the group's `where`, or make a static group.",
        ],
        [
            "动态组的成员由筛选条件决定",
            "动态用户组包含筛选条件所匹配的人员，不能手动增减成员。",
            "请修改该组的 where，或另建静态组。",
        ],
    ),
    problem(
        "broadcast_state",
        409,
        [
            "The broadcast stands elsewhere",
            "What was asked for is not done to a broadcast that stands where this one does: one that waits cannot be \
             stopped, one that is over cannot be told more, one that never went out cannot be corrected. `detail` says \
             where it stands.",
            "Read the broadcast and decide anew. One that waits for a second person is decided in the console.",
        ],
        [
            "广播当前状态不允许此操作",
            "广播所处的状态不允许此操作：等待审批的不能停止，已结束的不能补充，从未发出的不能更正。detail 会说明它现在处于什么状态。",
            "请重新读取该广播后再决定。等待第二人审批的广播在控制台处理。",
        ],
    ),
    problem(
        "broadcast_changed",
        409,
        [
            "Somebody was faster",
            "Somebody did something to the broadcast since it was looked at, so that the decision would be about another \
             text than the one that was read.",
            "Read it again as it is now, and decide about that.",
        ],
        [
            "广播刚被他人改动",
            "查看之后有人对该广播做了操作，若继续，所决定的就不是刚才看到的内容。",
            "请重新读取现在的内容，再作决定。",
        ],
    ),
    problem(
        "broadcast_open",
        409,
        [
            "The same broadcast is open already",
            "There is one open broadcast for a scenario and place, and another one has these choices.",
            "Go on with the one that is open, or choose otherwise.",
        ],
        [
            "同样的广播已经打开",
            "同一预案、同一地点只能有一个进行中的广播，另一个广播已经选择了同样的内容。",
            "请在已打开的广播上继续，或改选其他内容。",
        ],
    ),
    problem(
        "broadcast_said",
        409,
        [
            "That was said before",
            "A broadcast is corrected once and called off once; people were told already. `detail` names the message.",
            "Read the broadcast to see whom it reached. Whoever is to be told something else is told by another broadcast.",
        ],
        [
            "已经发过",
            "一个广播只更正一次、只解除一次，收件人已经收到。detail 给出那条消息。",
            "请读取该广播，查看已送达哪些人。需要另行通知时，请发起新的广播。",
        ],
    ),
    problem(
        "broadcast_message",
        409,
        [
            "The message is a part of a broadcast",
            "A message of an emergency broadcast is not stopped, called back or sent again by itself: whoever may do that to \
             the broadcast does it there, and the broadcast keeps a log of it. `detail` names the broadcast.",
            "Stop or correct the broadcast, or say that it is over. What failed is sent again from the deliveries that need \
             attention while the broadcast holds.",
        ],
        [
            "消息属于紧急广播",
            "紧急广播的消息不能单独停止、撤回或重发：只能由有权限的人对广播本身操作，并记入该广播的记录。detail 给出那个广播。",
            "请停止、更正或解除该广播。广播有效期内失败的投递，可在“待处理投递”中重发。",
        ],
    ),
    problem(
        "override_too_early",
        409,
        [
            "A second person still has time",
            "Whoever began a broadcast may send it alone only where no second person decides in the time that the campus \
             gives them. `detail` says how many seconds are left.",
            "Wait as long as `detail` says, and ask again with a reason.",
        ],
        [
            "第二人审批时间未到",
            "只有在规定时间内无人审批时，发起人才可以独自发出。detail 给出还剩多少秒。",
            "请等待 detail 给出的时间，再填写理由重试。",
        ],
    ),
    problem(
        "try_again",
        409,
        [
            "It ended in this very moment",
            "The same broadcast was open when the press came in and ended before the press could attach to it, or the same \
             was asked for twice at once. Nothing was sent.",
            "Repeat the request as it is.",
        ],
        [
            "恰在此刻结束",
            "按下时同样的广播还在进行，但在并入之前已经结束，或同样的请求同时到达。没有发出任何内容。",
            "请原样重新提交。",
        ],
    ),
    problem(
        "button_state",
        409,
        [
            "The button stands elsewhere by now",
            "The button is armed, disarmed or revoked by now, somebody asked to arm it already, or nobody did: what was \
             asked for is not done to one that stands there. `detail` says which it is.",
            "Look at the button again, and decide anew.",
        ],
        [
            "按钮的状态已不同",
            "按钮已布防、撤防或停用，或已有人（或无人）申请布防，此时不能这样操作。detail 说明是哪一种。",
            "请重新查看该按钮再决定。",
        ],
    ),
    problem(
        "button_changed",
        409,
        [
            "Somebody changed the button meanwhile",
            "The button is not as it was when you looked at it: somebody changed it, or decided about it, in between.",
            "Look at the button as it is now, and decide anew.",
        ],
        [
            "按钮已被他人改动",
            "您查看之后，有人修改了该按钮或对它做了决定。",
            "请查看按钮的现状，再重新决定。",
        ],
    ),
    problem(
        "button_overtaken",
        409,
        [
            "A scenario of the button was changed after it was asked for",
            "A scenario that the button stands for says something else since somebody asked that it be armed, or is out of \
             use: what you read is not what a press would send.",
            "Withdraw what was asked for and ask anew; then read the texts as they are now, and agree.",
        ],
        [
            "申请布防之后预案有改动",
            "有人申请布防之后，按钮所对应的预案被修改或停用：您看到的并不是按下会发出的内容。",
            "请撤回原申请并重新申请，看过新的内容再确认。",
        ],
    ),
    problem(
        "button_outdated",
        409,
        [
            "The button stands for what is gone",
            "A scenario that the button stands for was taken out of use, or has no longer the choices that were made, so \
             that nobody could read what a press sends.",
            "Change the button: choose the scenario and its choices anew.",
        ],
        [
            "按钮对应的预案已变",
            "按钮所对应的预案已停用，或不再有原来的选项，无法看到按下会发出什么。",
            "请修改按钮，重新选择预案和选项。",
        ],
    ),
    problem(
        "seq_old",
        409,
        [
            "A higher number came before",
            "A button counts everything it says, and this number is not higher than one that came with the same key. It is \
             an old request that arrives late, or the device lost its count. Nothing was done.",
            "Have the device count on from where it was, or send the time in milliseconds. Where its count is lost, give it \
             a new key in the console: with that it begins anew.",
        ],
        [
            "序号已过期",
            "按钮为每次请求编号，而此序号不大于同一密钥之前的序号：可能是迟到的旧请求，或设备丢失了计数。没有执行任何操作。",
            "请让设备接着原来的序号递增，或用毫秒时间作序号；计数已丢失时，在控制台为它换一个新密钥，序号即重新开始。",
        ],
    ),
    problem(
        "seq_reused",
        409,
        [
            "The number was something else",
            "The device used this number before, and said something else with it. Had it been taken for the same, what it \
             says now would have been lost.",
            "Use each number once, whatever is said with it: heartbeats count, too.",
        ],
        [
            "序号被重复使用",
            "设备曾用同一序号发送过另一种请求。如果当作重复请求处理，这次的内容就会丢失。",
            "每个序号只用一次，心跳也要计数。",
        ],
    ),
    problem(
        "stale_time",
        409,
        [
            "The device's clock is not ours",
            "The time that the button signed, or that a press says it was, is more than five minutes from ours. It may be a \
             press of long ago that was kept on its way, or a copy of one.",
            "Set the device's clock by NTP. A device without a clock leaves `at` out and does not sign.",
        ],
        [
            "设备时间不符",
            "按钮签名的时间，或它所说的按下时间，与本系统相差超过五分钟：可能是途中滞留的旧请求，或被复制的请求。",
            "请用 NTP 校准设备时间；没有时钟的设备不要发送 at，也不要启用签名。",
        ],
    ),
    problem(
        "import_busy",
        409,
        [
            "The import is at another step",
            "A file of people goes through its steps one after the other, and this one has gone on meanwhile: somebody else \
             pressed a button, or a pass through the file has begun.",
            "Open the import's page again and go on from there.",
        ],
        [
            "导入已进行到别的步骤",
            "人员文件按步骤依次处理，此次导入已经向前进行：可能在别处按了按钮，或已开始读取文件。",
            "请重新打开导入页面，从那里继续。",
        ],
    ),
    problem(
        "group_in_use",
        409,
        [
            "Something still needs the group",
            "A routing rule in force, a source that is limited to groups, a scenario or a change of one that waits, a \
             broadcast that is not over, an alarm button, or a message that is not planned yet, names the group. Without it they would \
             reach others than was meant.",
            "Take the group out of the rule, of the source's rights and of the scenario, end the broadcast, disarm the button or \
             have it armed anew, and wait for the messages or cancel them; then delete it.",
        ],
        [
            "用户组仍在使用",
            "有生效的路由规则、限定了可发送范围的来源系统、预案或其待批准的修改、未结束的紧急广播、报警按钮或尚未展开的消息引用了该用户组，删除后它们的受众会与原意不符。",
            "请先从规则、来源系统的权限和预案中移除该组，结束相关广播，将相关按钮撤防或重新布防，并等待相关消息发出或取消它们，然后再删除。",
        ],
    ),
    problem(
        "too_many_subscriptions",
        409,
        [
            "The source has as many subscriptions as it may",
            "A source has at most 20 endpoints, and reads at most 50 streams of different topics or events.",
            "Remove an endpoint that is not needed any more, or ask for more topics and events in one.",
        ],
        [
            "订阅数量已达上限",
            "一个来源系统最多有 20 个接收端，最多读取 50 种不同主题或事件的事件流。",
            "请删除不再需要的接收端，或在一个订阅里合并多个主题和事件。",
        ],
    ),
    problem(
        "subscription_disabled",
        409,
        [
            "The subscription is disabled",
            "Its endpoint answered 410, or took nothing for three days, and is not called any more.",
            "Mend the endpoint, then `POST /api/v1/subscriptions/{id}/enable`: what it missed in seven days follows in order.",
        ],
        [
            "订阅已停用",
            "该接收端返回了 410，或连续三天未接收，已不再推送。",
            "请修复接收端后调用 `POST /api/v1/subscriptions/{id}/enable`：七天内错过的事件会按顺序补发。",
        ],
    ),
    problem(
        "being_sent",
        409,
        [
            "It is being sent",
            "The event is on its way to the endpoint at this moment.",
            "Look at its state in a few seconds, and decide anew.",
        ],
        ["正在推送", "该事件此刻正在推送到接收端。", "请几秒后查看其状态再决定。"],
    ),
    problem(
        "key_ended",
        409,
        [
            "The key has ended",
            "The key was revoked or has expired, and cannot be replaced any more.",
            "Ask an administrator for a new key.",
        ],
        ["密钥已失效", "该密钥已吊销或已过期，不能再轮换。", "请联系管理员签发新密钥。"],
    ),
    problem(
        "last_owner",
        409,
        [
            "Somebody must own the platform",
            "The operator is the last owner who can still sign in.",
            "Make another operator an owner first.",
        ],
        [
            "必须保留一位系统管理员",
            "该管理员是最后一位可以登录的系统管理员。",
            "请先将另一位管理员设为系统管理员。",
        ],
    ),
    problem(
        "own_rights",
        409,
        [
            "Nobody changes their own rights",
            "The operator, or the role, is one's own: rights are given by somebody else.",
            "Ask another operator who may change rights.",
        ],
        [
            "不能更改自己的权限",
            "该管理员是本人，或该角色由本人持有：权限须由他人授予。",
            "请另一位有权更改权限的管理员操作。",
        ],
    ),
    problem(
        "rights_changed",
        409,
        [
            "The rights were changed meanwhile",
            "What the change was thought of, or proposed, is not what is there now.",
            "Look at the rights as they are now and decide anew.",
        ],
        ["权限已被他人更改", "当前的权限与作出或提出变更时不同。", "请查看现在的权限后重新决定。"],
    ),
    problem(
        "waits_for_second",
        409,
        [
            "A second administrator decides",
            "The change gives rights or opens a way in, which takes effect once another administrator agrees.",
            "Ask another administrator to look at it in the console.",
        ],
        [
            "等待第二位管理员",
            "该变更会增加权限或提供登录方式，须由另一位管理员同意后生效。",
            "请另一位管理员在控制台中处理。",
        ],
    ),
    problem(
        "own_request",
        409,
        [
            "Nobody agrees to what they proposed",
            "The change was proposed by the same operator.",
            "Ask another administrator to decide.",
        ],
        ["不能同意自己提出的变更", "该变更由本人提出。", "请另一位管理员决定。"],
    ),
    problem(
        "one_hand",
        409,
        [
            "One hand may be behind both",
            "One of the two administrators was handed the link by which the other came in, or both links went to the same.",
            "Ask a third administrator to decide, or make a link on the server.",
        ],
        [
            "两人可能出自同一人之手",
            "提出者与同意者中，一人的登录链接曾交给另一人，或两人的链接交给了同一人。",
            "请第三位管理员决定，或在服务器上重新生成登录链接。",
        ],
    ),
    problem(
        "not_your_request",
        409,
        [
            "The change is another's",
            "Only whoever proposed a change withdraws it or says why.",
            "Reject it, if it should not be done.",
        ],
        ["该变更由他人提出", "只有提出者可以撤回或说明原因。", "如不应生效，请退回该变更。"],
    ),
    problem(
        "proposer_gone",
        409,
        [
            "Whoever proposed it may not do it any more",
            "The operator who proposed the change was disabled, or lacks the rights for it by now.",
            "Reject it, and propose it anew if it is still wanted.",
        ],
        [
            "提出者已无权作出该变更",
            "提出该变更的管理员已被停用，或已不具备所需权限。",
            "请退回；如仍需要，请重新提出。",
        ],
    ),
    problem(
        "no_second",
        409,
        [
            "Nobody else could agree",
            "It takes two operators who can sign in and may change operators and settings everywhere.",
            "Let another administrator in first.",
        ],
        [
            "没有第二位可以同意的管理员",
            "至少需要两位能够登录、并在全校管理操作员和修改设置的管理员。",
            "请先添加另一位管理员。",
        ],
    ),
    problem(
        "role_held",
        409,
        [
            "Somebody holds this role",
            "A role is deleted once nobody holds it.",
            "Give those who hold it another role first.",
        ],
        ["仍有管理员持有该角色", "无人持有的角色才能删除。", "请先为持有者改授其他角色。"],
    ),
    problem(
        "link_expired",
        409,
        [
            "The link has expired",
            "One-time links work for a few days only.",
            "Ask an administrator for a new link.",
        ],
        ["链接已过期", "一次性链接仅在数日内有效。", "请向管理员索取新的链接。"],
    ),
    problem(
        "factor_required",
        409,
        [
            "The role must have a second factor",
            "The institution requires a second factor of operators of this role.",
            "Keep it; to move it to another telephone, renew it.",
        ],
        [
            "该角色必须启用第二因素",
            "学校要求该角色的操作员启用第二因素。",
            "请保留；如需更换手机，请使用“换一部手机”。",
        ],
    ),
    problem(
        "own_account",
        409,
        [
            "This is your own account",
            "What an administrator does to another's account is not done to one's own.",
            "Use your own account page, which asks for your password or code first.",
        ],
        [
            "这是你自己的账户",
            "对他人账户的管理操作不适用于自己的账户。",
            "请在“我的账户”中操作，届时会先确认身份。",
        ],
    ),
    problem(
        "not_an_operator",
        409,
        [
            "No operator has this campus account",
            "The campus sign-in said who this is, and no operator is linked to that campus id.",
            "Ask an owner to link the campus id, or sign in with the password.",
        ],
        [
            "该校园账号没有对应的操作员",
            "校园统一身份认证已确认身份，但没有操作员关联此学工号。",
            "请系统管理员关联学工号，或用密码登录。",
        ],
    ),
    problem(
        "link_used",
        409,
        [
            "The link was used already",
            "A one-time link opens once.",
            "Sign in with the password you chose, or ask an administrator for a new link.",
        ],
        ["链接已使用", "一次性链接只能打开一次。", "请用已设置的密码登录，或向管理员索取新的链接。"],
    ),
    problem(
        "not_identified",
        409,
        [
            "WeChat did not say who it is",
            "Whoever signed in is nobody's member, or the code of the sign-in was used or too old.",
            "Open the address inside WeChat or WeCom and begin again.",
        ],
        [
            "微信没有告知身份",
            "登录者不是成员，或者登录代码已使用或过期。",
            "请在微信或企业微信中打开该地址，重新开始。",
        ],
    ),
    problem(
        "not_in_directory",
        409,
        [
            "The directory does not know you",
            "You signed in, and the directory has nobody of that campus id who is active.",
            "Ask the information centre to enter you, then begin again.",
        ],
        [
            "目录里没有你",
            "登录成功，但人员目录里没有这个学工号，或已停用。",
            "请联系信息中心登记，再重新开始。",
        ],
    ),
    problem(
        "sign_in_down",
        409,
        [
            "The campus sign-in cannot be reached",
            "It did not answer, or answered with an error.",
            "Ask for a code in its place, or begin again later.",
        ],
        ["校园统一身份认证暂时无法使用", "对方没有答复，或答复了错误。", "请改用验证码，或稍后重新开始。"],
    ),
    problem(
        "sign_in_first",
        409,
        [
            "Sign in first",
            "A code is only sent while the campus sign-in cannot be reached.",
            "Sign in with the campus sign-in.",
        ],
        ["请先登录", "只有统一身份认证无法使用时才发送验证码。", "请通过校园统一身份认证登录。"],
    ),
    problem(
        "sign_in_refused",
        409,
        [
            "The campus sign-in did not say who you are",
            "The sign-in was broken off, or its answer was used already.",
            "Begin again.",
        ],
        ["统一身份认证没有告知身份", "登录中断，或它的答复已经用过。", "请重新开始。"],
    ),
    problem(
        "sign_in_untrusted",
        409,
        [
            "The campus sign-in’s answer cannot be trusted",
            "It was not made for this installation, not now, or not by whom it says.",
            "Begin again; if it stays, tell the administrators, whose log says what was wrong.",
        ],
        [
            "统一身份认证的答复不可信",
            "它不是为本平台签发，时间不对，或签名不符。",
            "请重新开始；若仍如此，请告知管理员，日志中有原因。",
        ],
    ),
    problem(
        "sign_in_nameless",
        409,
        [
            "The campus sign-in gives no campus id",
            "Who signed in has no such attribute there.",
            "Tell the administrators: they name the attribute in the settings.",
        ],
        ["统一身份认证没有给出学工号", "登录者在那里没有这个属性。", "请告知管理员：属性名在配置中填写。"],
    ),
    problem(
        "start_over",
        409,
        [
            "This cannot go on",
            "A step of binding an identity was done already, or was tried too often.",
            "Begin again at the address where it began.",
        ],
        ["无法继续", "绑定身份的某一步已经完成，或尝试次数过多。", "请回到最初的地址重新开始。"],
    ),
    problem(
        "set_up_already",
        409,
        [
            "The platform is set up already",
            "The first set-up link works only until there is an operator.",
            "Sign in, or ask an administrator for a link of your own.",
        ],
        [
            "平台已完成初始设置",
            "初始设置链接仅在还没有任何管理员时有效。",
            "请直接登录，或向管理员索取您自己的链接。",
        ],
    ),
    problem(
        "too_many_keys",
        409,
        [
            "The source has too many keys",
            "As many keys as a source may have are in use, those that are being replaced included.",
            "Wait until replaced keys have ended, or ask an administrator to revoke keys that nobody uses.",
        ],
        [
            "密钥数量过多",
            "来源系统正在使用的密钥（含轮换过渡期内的旧密钥）已达上限。",
            "请等旧密钥到期，或请管理员吊销不再使用的密钥。",
        ],
    ),
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
            "The source sent more requests a second than it may; the RateLimit headers say how many that is. Without a \
             key: too much came from your network.",
            "Wait as many seconds as Retry-After says and repeat the request. `POST /api/v1/messages/batch` keeps \
             many messages with one request.",
        ],
        [
            "请求过于频繁",
            "来源系统每秒请求数超过限额，RateLimit 响应头给出限额；未使用密钥时，则是您所在网络的请求过多。",
            "请等待 Retry-After 给出的秒数后重试。`POST /api/v1/messages/batch` 可以一次提交多条消息。",
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

//! Of what systems keep here: imports, groups, subscriptions, keys.

use super::{Explained, problem};

pub(super) const ALL: &[Explained] = &[
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
        "test_waits",
        409,
        [
            "A test waits already",
            "The last test event of this subscription was not sent yet.",
            "Look at what waits for the endpoint (`GET /api/v1/subscriptions/{id}/deliveries`); once the test was sent, ask for another.",
        ],
        [
            "已有测试事件在等待",
            "该订阅的上一个测试事件尚未发出。",
            "请查看该接收端的待推送事件（`GET /api/v1/subscriptions/{id}/deliveries`）；待测试事件发出后再发新的。",
        ],
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
];

//! Of messages, drafts, people and groups.

use super::{Explained, problem};

pub(super) const ALL: &[Explained] = &[
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
];

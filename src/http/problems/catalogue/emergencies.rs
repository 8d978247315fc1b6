//! Of broadcasts and alarm buttons.

use super::{Explained, problem};

pub(super) const ALL: &[Explained] = &[
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
        "broadcast_lapsed",
        409,
        [
            "Its time is over",
            "The broadcast waited for a second person, nobody decided about it in the time that its scenario gives it, and it \
             went to nobody. What is that old is neither approved nor changed, handed in or sent alone, and there is nothing to stop \
             or to correct.",
            "Begin it anew where it is still needed: its texts and places are then those of now.",
        ],
        [
            "广播已过时限",
            "广播等待第二人审批，在预案规定的时限内无人决定，已经作废，没有发给任何人。过了时限就不能再批准、修改、提交或独自发出，也没有可停止、可更正的内容。",
            "仍需要时请重新发起，内容和地点以现在的情况为准。",
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
];

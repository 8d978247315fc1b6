//! An alarm in words: what is so, and what to do about it. The console and a message tell the same.

use crate::config::Language;
use crate::domain::alarm::{AlarmKind, Matter, ProviderTrouble, Severity, Waits};
use crate::domain::button::ButtonTrouble;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::message::Lane;

use Language::{English, SimplifiedChinese as Chinese};

impl AlarmKind {
    pub const fn say(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Provider, Chinese) => "服务商故障",
            (Self::Provider, English) => "Failing providers",
            (Self::Source, Chinese) => "来源系统静默",
            (Self::Source, English) => "Silent sources",
            (Self::Backlog, Chinese) => "投递积压",
            (Self::Backlog, English) => "Backlog",
            (Self::Quota, Chinese) => "配额将尽",
            (Self::Quota, English) => "Quotas nearly used",
            (Self::Failures, Chinese) => "失败比例过高",
            (Self::Failures, English) => "Many failures",
            (Self::Clock, Chinese) => "时钟偏差",
            (Self::Clock, English) => "Clocks",
            (Self::Disk, Chinese) => "磁盘空间",
            (Self::Disk, English) => "Disk space",
            (Self::Waiting, Chinese) => "消息等待处理",
            (Self::Waiting, English) => "Messages that wait",
            (Self::Button, Chinese) => "报警按钮",
            (Self::Button, English) => "Alarm buttons",
            (Self::Help, Chinese) => "报平安中有人求助",
            (Self::Help, English) => "Calls for help in a roll call",
            (Self::Queue, Chinese) => "消息队列断开",
            (Self::Queue, English) => "Broker away",
            (Self::Audit, Chinese) => "审计日志被改动",
            (Self::Audit, English) => "Audit log tampered with",
        }
    }
}

impl Severity {
    pub const fn say(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Look, Chinese) => "需留意",
            (Self::Look, English) => "Look",
            (Self::Act, Chinese) => "需处理",
            (Self::Act, English) => "Act",
        }
    }
}

impl Matter {
    /// What is so, in one sentence without its full stop.
    pub fn say(&self, language: Language) -> String {
        match language {
            Chinese => self.in_chinese(),
            English => self.in_english(),
        }
    }

    fn in_chinese(&self) -> String {
        match self {
            Self::Provider { name, channel, trouble, .. } => {
                let what = match trouble {
                    ProviderTrouble::Failed => "连续失败，暂停使用",
                    ProviderTrouble::Unusable => "设置无法使用",
                    ProviderTrouble::UnknownCodes => "返回了含义未知的错误码",
                };
                format!("{}服务商“{name}”{what}", by(*channel, Chinese))
            }
            Self::Unserved { channel } => format!("没有可用的{}服务商", by(*channel, Chinese)),
            Self::Stranded { address } => {
                format!("没有服务商能向{}投递，相关消息在等待", to(*address, Chinese))
            }
            Self::Silent { name, last, .. } => match last {
                Some(_) => format!("来源系统“{name}”很久没有发送消息"),
                None => format!("来源系统“{name}”没有发送过消息"),
            },
            Self::Endpoint { name, host, .. } => {
                format!("来源系统“{name}”的接收端 {host} 已停用，事件不再推送")
            }
            Self::EndpointBehind { name, host, .. } => {
                format!("来源系统“{name}”的接收端 {host} 跟不上：最早的事件已等待一天以上")
            }
            Self::Backlog { lane, channel, waiting_ms } => format!(
                "{}优先级的{}投递已等待 {}",
                lane_name(*lane, Chinese),
                by(*channel, Chinese),
                lasting(*waiting_ms, Chinese)
            ),
            Self::ProviderQuota { name, used, daily, .. } => {
                format!("服务商“{name}”今日配额已用 {used} / {daily}")
            }
            Self::SourceQuota { name, used, daily, .. } => {
                format!("来源系统“{name}”今日消息数已用 {used} / {daily}")
            }
            Self::Failures { channel, failed, ended } => {
                format!("最近一小时{}投递 {ended} 条中有 {failed} 条失败", by(*channel, Chinese))
            }
            Self::ClockOff { node, off_ms } => {
                let way = if *off_ms > 0 { "快" } else { "慢" };
                format!("节点 {node} 的时钟比数据库{way} {}", lasting(off_ms.abs(), Chinese))
            }
            Self::ClockSet { node, by_ms } => {
                let way = if *by_ms > 0 { "拨快" } else { "拨慢" };
                format!("节点 {node} 的时钟在运行中被{way}了 {}", lasting(by_ms.abs(), Chinese))
            }
            Self::Disk { node, free, total } => {
                format!("节点 {node} 的数据磁盘仅剩 {}（共 {}）", bytes(*free), bytes(*total))
            }
            Self::QueueAway { node, why } => format!("节点 {node} 未连上消息队列（{why}）"),
            Self::AuditBroken { node, place } => {
                format!("审计日志从第 {place} 条起与节点 {node} 的记录不符")
            }
            Self::Waiting { waits, n, minutes } => {
                let what = match waits {
                    Waits::Review => "条消息等待审核",
                    Waits::Audience => "条消息没有受众、等待处理",
                    Waits::Registration => "个来源系统申请等待审批",
                };
                format!("{n} {what}超过 {}", lasting(i64::from(*minutes) * 60_000, Chinese))
            }
            Self::Button { name, trouble, since, battery, .. } => {
                let what = match (trouble, since) {
                    (ButtonTrouble::Offline, Some(_)) => "失去联系，按下可能无效".to_owned(),
                    (ButtonTrouble::Offline, None) => "从未联系过".to_owned(),
                    (ButtonTrouble::Battery, _) => format!("电量只剩 {}%", battery.unwrap_or_default()),
                    (ButtonTrouble::TestDue, Some(_)) => "超过一周没有测试".to_owned(),
                    (ButtonTrouble::TestDue, None) => "布防以来没有测试".to_owned(),
                    (ButtonTrouble::Outdated, _) => "布防后预案有改动，原来的选项已不适用".to_owned(),
                    (ButtonTrouble::Unsent, _) => "被按下，但广播没有发出".to_owned(),
                    (ButtonTrouble::Refused, _) => "可能被按下，但请求被拒绝，什么都没有发出".to_owned(),
                    (ButtonTrouble::Clock, _) => "的时钟不准，带时间的按下会被拒绝".to_owned(),
                    (ButtonTrouble::Differs, _) => {
                        "被按下，但同一地点的广播正以其他选项发出，没有人收到这次按下的内容".to_owned()
                    }
                };
                format!("报警按钮“{name}”{what}")
            }
            Self::Help { name, n, .. } => format!("{n} 人需要帮助：{}", name.zh),
        }
    }

    fn in_english(&self) -> String {
        match self {
            Self::Provider { name, channel, trouble, .. } => {
                let what = match trouble {
                    ProviderTrouble::Failed => "keeps failing and is left alone",
                    ProviderTrouble::Unusable => "has settings that cannot be used",
                    ProviderTrouble::UnknownCodes => "answered with codes that nobody knows",
                };
                format!("The {} provider “{name}” {what}", by(*channel, English))
            }
            Self::Unserved { channel } => format!("No provider serves {}", by(*channel, English)),
            Self::Stranded { address } => {
                format!("Deliveries wait: no provider takes {}", to(*address, English))
            }
            Self::Silent { name, last, .. } => match last {
                Some(_) => format!("The source “{name}” has not sent anything for long"),
                None => format!("The source “{name}” has never sent anything"),
            },
            Self::Endpoint { name, host, .. } => {
                format!("The endpoint {host} of the source “{name}” is disabled; it is told of nothing")
            }
            Self::EndpointBehind { name, host, .. } => format!(
                "The endpoint {host} of the source “{name}” does not keep up: its oldest event has waited for more than a day"
            ),
            Self::Backlog { lane, channel, waiting_ms } => format!(
                "Deliveries of {} priority by {} have waited for {}",
                lane_name(*lane, English),
                by(*channel, English),
                lasting(*waiting_ms, English)
            ),
            Self::ProviderQuota { name, used, daily, .. } => {
                format!("The provider “{name}” has used {used} of {daily} today")
            }
            Self::SourceQuota { name, used, daily, .. } => {
                format!("The source “{name}” has sent {used} of {daily} messages today")
            }
            Self::Failures { channel, failed, ended } => format!(
                "{failed} of {ended} deliveries by {} failed within the last hour",
                by(*channel, English)
            ),
            Self::ClockOff { node, off_ms } => {
                let way = if *off_ms > 0 { "ahead of" } else { "behind" };
                format!("The clock of node {node} is {} {way} the database's", lasting(off_ms.abs(), English))
            }
            Self::ClockSet { node, by_ms } => {
                let way = if *by_ms > 0 { "forward" } else { "back" };
                format!("The clock of node {node} was set {way} by {}", lasting(by_ms.abs(), English))
            }
            Self::Disk { node, free, total } => {
                format!("The data disk of node {node} has {} of {} left", bytes(*free), bytes(*total))
            }
            Self::QueueAway { node, why } => format!("The broker is away from node {node} ({why})"),
            Self::AuditBroken { node, place } => {
                format!("From entry {place} on the audit log is not the one that node {node} knew")
            }
            Self::Waiting { waits, n, minutes } => {
                let what = match waits {
                    Waits::Review => "Messages have waited for a reviewer",
                    Waits::Audience => "Messages have waited without an audience",
                    Waits::Registration => "Registrations of sources have waited",
                };
                let time = lasting(i64::from(*minutes) * 60_000, English);
                format!("{what} for more than {time}: {n}")
            }
            Self::Button { name, trouble, since, battery, .. } => {
                let what = match (trouble, since) {
                    (ButtonTrouble::Offline, Some(_)) => "is not heard of: a press may do nothing".to_owned(),
                    (ButtonTrouble::Offline, None) => "was never heard of".to_owned(),
                    (ButtonTrouble::Battery, _) => {
                        format!("has {}% of its battery left", battery.unwrap_or_default())
                    }
                    (ButtonTrouble::TestDue, Some(_)) => "was not tried out for more than a week".to_owned(),
                    (ButtonTrouble::TestDue, None) => "was not tried out since it was armed".to_owned(),
                    (ButtonTrouble::Outdated, _) => {
                        "was armed with choices that its scenario has no more".to_owned()
                    }
                    (ButtonTrouble::Unsent, _) => "was pressed, and no broadcast went out".to_owned(),
                    (ButtonTrouble::Refused, _) => {
                        "was perhaps pressed: what it sent was refused, and nothing went out".to_owned()
                    }
                    (ButtonTrouble::Differs, _) => {
                        "was pressed with other choices than those of what is being sent: nobody is told of its own"
                            .to_owned()
                    }
                    (ButtonTrouble::Clock, _) => {
                        "has a wrong clock: presses that say their time are refused".to_owned()
                    }
                };
                format!("The alarm button “{name}” {what}")
            }
            Self::Help { name, n: 1, .. } => format!("One person needs help: {}", name.en),
            Self::Help { name, n, .. } => format!("{n} people need help: {}", name.en),
        }
    }

    /// What to do next.
    pub const fn advice(&self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Provider { trouble: ProviderTrouble::UnknownCodes, .. }, Chinese) => {
                "打开该服务商，看清错误码的原文，在设置的“错误码含义”里说明它的意思。"
            }
            (Self::Provider { trouble: ProviderTrouble::UnknownCodes, .. }, English) => {
                "Open the provider, read the codes as they came, and say in its settings what they mean."
            }
            (Self::Provider { .. }, Chinese) => {
                "打开该服务商查看原因并自检；同渠道有备用服务商时会自动改用。"
            }
            (Self::Provider { .. }, English) => {
                "Open the provider for its reason and test it; another one of the channel takes over by itself."
            }
            (Self::Unserved { .. } | Self::Stranded { .. }, Chinese) => {
                "添加或启用一个服务商，等待中的投递会自动发出。"
            }
            (Self::Unserved { .. } | Self::Stranded { .. }, English) => {
                "Add or enable a provider; what waits then goes by itself."
            }
            (Self::Silent { .. }, Chinese) => "联系该部门，确认其系统和密钥是否正常。",
            (Self::Silent { .. }, English) => "Ask its department whether the system and its key still work.",
            (Self::Endpoint { .. }, Chinese) => {
                "联系该部门修复接收端，再到“订阅”页重新启用；停用后 7 天内的事件会按顺序补发。"
            }
            (Self::Endpoint { .. }, English) => {
                "Ask its department to mend the endpoint, then enable it again under Subscriptions: what it missed in 7 days follows in order."
            }
            (Self::EndpointBehind { .. }, Chinese) => {
                "联系该部门检查接收端是否过慢或一再出错；满 7 天仍未送达的事件会被丢弃。"
            }
            (Self::EndpointBehind { .. }, English) => {
                "Ask its department whether the endpoint is slow or keeps failing: what has not reached it in 7 days is dropped."
            }
            (Self::Backlog { .. }, Chinese) => "查看该渠道的服务商：速率是否太低，或有故障。",
            (Self::Backlog { .. }, English) => "Look at the channel's providers: too low a rate, or trouble.",
            (Self::ProviderQuota { .. }, Chinese) => {
                "向服务商申请提高配额，或启用另一个服务商；剩余部分留给紧急广播。"
            }
            (Self::ProviderQuota { .. }, English) => {
                "Ask the vendor for more or enable another provider; what is left is kept for emergencies."
            }
            (Self::SourceQuota { .. }, Chinese) => "确认该系统的发送是否正常；需要时提高其每日上限。",
            (Self::SourceQuota { .. }, English) => {
                "See whether what it sends is right; raise its limit if so."
            }
            (Self::Failures { .. }, Chinese) => "查看失败的投递，按原因处理后可重新发送。",
            (Self::Failures { .. }, English) => {
                "Look at what failed; once the reason is gone it can be sent again."
            }
            (Self::ClockOff { .. } | Self::ClockSet { .. }, Chinese) => "检查该机器的时间同步（NTP）。",
            (Self::ClockOff { .. } | Self::ClockSet { .. }, English) => {
                "See whether that machine keeps its time by NTP."
            }
            (Self::Disk { .. }, Chinese) => "清理或扩充磁盘；写满后将无法接收新消息。",
            (Self::Disk { .. }, English) => "Free or add space: once it is full, no message is accepted.",
            (Self::QueueAway { .. }, Chinese) => "投递照常进行，最多晚半秒；请检查消息队列服务和网络。",
            (Self::QueueAway { .. }, English) => {
                "Everything is sent all the same, later by half a second at most. See to the broker and the network."
            }
            (Self::AuditBroken { .. }, Chinese) => {
                "有人绕过平台改动过数据库，或恢复了旧备份。先保留现场（数据库和 audit_note），再运行 belltower verify 核对。"
            }
            (Self::AuditBroken { .. }, English) => {
                "Somebody changed the database past the program, or put an old one back. Keep both the database and audit_note \
                 as they are, then run belltower verify."
            }
            (Self::Waiting { waits: Waits::Review, .. }, Chinese) => "审核这些消息，或请审核员处理。",
            (Self::Waiting { waits: Waits::Review, .. }, English) => "Review them, or ask a reviewer to.",
            (Self::Waiting { waits: Waits::Audience, .. }, Chinese) => {
                "为它们编写路由规则，或请来源系统指明受众。"
            }
            (Self::Waiting { waits: Waits::Audience, .. }, English) => {
                "Write a rule for them, or have the source say whom they are for."
            }
            (Self::Waiting { waits: Waits::Registration, .. }, Chinese) => {
                "在来源系统页面查看这些申请，批准或驳回。"
            }
            (Self::Waiting { waits: Waits::Registration, .. }, English) => {
                "Look at them on the page of sources, and approve or reject each."
            }
            (Self::Button { trouble, .. }, language) => button_advice(*trouble, language),
            (Self::Help { .. }, Chinese) => "打开报平安情况：求助的人在最上面。逐个联系，并登记结果。",
            (Self::Help { .. }, English) => {
                "Open the roll call: they stand on top. Reach each of them, and put down how they are."
            }
        }
    }
}

const fn button_advice(trouble: ButtonTrouble, language: Language) -> &'static str {
    match (trouble, language) {
        (ButtonTrouble::Offline, Chinese) => "检查设备的供电和网络，再按一次测试。",
        (ButtonTrouble::Offline, English) => "See to its power and network, then press its test.",
        (ButtonTrouble::Battery, Chinese) => "更换电池，再按一次测试。",
        (ButtonTrouble::Battery, English) => "Change the battery, then press its test.",
        (ButtonTrouble::TestDue, Chinese) => "请到现场按一次测试。",
        (ButtonTrouble::TestDue, English) => "Go there and press its test.",
        (ButtonTrouble::Outdated, Chinese) => "按下仍会按布防时的内容发出；请重新选择并由两人布防。",
        (ButtonTrouble::Outdated, English) => {
            "A press still sends what it was armed with; choose anew and have it armed by two."
        }
        (ButtonTrouble::Unsent, Chinese) => "立即查看现场情况，在“紧急广播”中手动发出。",
        (ButtonTrouble::Unsent, English) => {
            "See at once what happened there, and send it from the emergency page."
        }
        (ButtonTrouble::Refused, Chinese) => {
            "立即查看现场情况，需要时在“紧急广播”中手动发出；按钮页面写明为何拒绝，处理后再按一次测试。"
        }
        (ButtonTrouble::Refused, English) => {
            "See at once what happened there, and send it from the emergency page if need be; the button's page says why it \
             was refused. Mend that, then press its test."
        }
        (ButtonTrouble::Differs, Chinese) => {
            "立即核对正在发出的广播，需要时发布更新；按钮页面写明是哪一次按下。"
        }
        (ButtonTrouble::Differs, English) => {
            "See at once what is being sent, and send an update where it does not say enough; the button's page shows the press."
        }
        (ButtonTrouble::Clock, Chinese) => "校准设备的时间，再按一次测试。",
        (ButtonTrouble::Clock, English) => "Set its clock, then press its test.",
    }
}

const fn by(channel: ChannelKind, language: Language) -> &'static str {
    match (channel, language) {
        (ChannelKind::Email, Chinese) => "邮件",
        (ChannelKind::Email, English) => "email",
        (ChannelKind::Sms, Chinese) => "短信",
        (ChannelKind::Sms, English) => "SMS",
        (ChannelKind::Wechat, Chinese) => "微信",
        (ChannelKind::Wechat, English) => "WeChat",
    }
}

const fn to(address: AddressKind, language: Language) -> &'static str {
    match (address, language) {
        (AddressKind::Email, Chinese) => "邮箱",
        (AddressKind::Email, English) => "email addresses",
        (AddressKind::Mobile, Chinese) => "手机号",
        (AddressKind::Mobile, English) => "mobile numbers",
        (AddressKind::WecomUserid, Chinese) => "企业微信成员",
        (AddressKind::WecomUserid, English) => "WeCom members",
        (AddressKind::WechatOpenid, Chinese) => "公众号关注者",
        (AddressKind::WechatOpenid, English) => "WeChat followers",
    }
}

const fn lane_name(lane: Lane, language: Language) -> &'static str {
    match (lane, language) {
        (Lane::Emergency, Chinese) => "紧急",
        (Lane::Emergency, English) => "emergency",
        (Lane::High, Chinese) => "高",
        (Lane::High, English) => "high",
        (Lane::Normal, Chinese) => "普通",
        (Lane::Normal, English) => "normal",
        (Lane::Low, Chinese) => "低",
        (Lane::Low, English) => "low",
    }
}

/// In the one unit that says it best.
fn lasting(millis: i64, language: Language) -> String {
    let seconds = millis / 1_000;
    let (n, chinese, english) = match seconds {
        0..120 => (seconds, "秒", "second"),
        120..7_200 => (seconds / 60, "分钟", "minute"),
        7_200..172_800 => (seconds / 3_600, "小时", "hour"),
        _ => (seconds / 86_400, "天", "day"),
    };
    match language {
        Chinese => format!("{n} {chinese}"),
        English => format!("{n} {english}{}", if n == 1 { "" } else { "s" }),
    }
}

/// `1.4 GB`; a thousand bytes are a kilobyte.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (n, 0);
    let mut rest = 0;
    while value >= 1_000 && unit + 1 < UNITS.len() {
        rest = value % 1_000 / 100;
        value /= 1_000;
        unit += 1;
    }
    match (unit, value) {
        (0, _) | (_, 100..) => format!("{value} {}", UNITS[unit]),
        _ => format!("{value}.{rest} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_who_and_how_much() {
        let disk = Matter::Disk { node: "bell:8080".to_owned(), free: 1_420_000_000, total: 500_000_000_000 };
        assert_eq!(disk.say(Chinese), "节点 bell:8080 的数据磁盘仅剩 1.4 GB（共 500 GB）");
        assert_eq!(disk.say(English), "The data disk of node bell:8080 has 1.4 GB of 500 GB left");
        let waiting = Matter::Backlog { lane: Lane::High, channel: ChannelKind::Sms, waiting_ms: 7_199_999 };
        assert_eq!(waiting.say(Chinese), "高优先级的短信投递已等待 119 分钟");
        let clock = Matter::ClockOff { node: "a".to_owned(), off_ms: -1_000 };
        assert_eq!(clock.say(English), "The clock of node a is 1 second behind the database's");
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        let said = [0, 999, 1_000, 99_949, 100_900, 12_345_678, 5_000_000_000_000_000].map(bytes);
        assert_eq!(said, ["0 B", "999 B", "1.0 kB", "99.9 kB", "100 kB", "12.3 MB", "5000 TB"]);
    }
}

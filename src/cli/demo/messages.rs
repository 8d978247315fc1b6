//! The first messages of the demo campus, so that no page is empty: each as its source would post it. Those
//! without an audience leave it to the rules.

use jiff::Zoned;
use jiff::civil::Time;
use serde_json::{Value, json};

use super::campus::{ACADEMIC, LIBRARY, RESEARCH, SECURITY, STUDENT_AFFAIRS};
use super::people::{Attributes, Person};

/// A message and the system it is from.
pub(super) struct First {
    pub(super) source: &'static str,
    /// With the source's test key.
    pub(super) test: bool,
    /// As `POST /api/v1/messages` takes it.
    pub(super) body: Value,
}

fn live(source: &'static str, body: Value) -> First {
    First { source, test: false, body }
}

/// Oldest first. `now` is in the campus's time zone; `year` is the one the academic year began in.
pub(super) fn messages(now: &Zoned, year: i16, people: &[Person]) -> Vec<First> {
    let day = |days: i64, format: &str| {
        now.checked_add(jiff::Span::new().days(days))
            .map_or_else(|_| String::new(), |at| at.strftime(format).to_string())
    };
    let date = |days: i64| day(days, "%-m月%-d日");
    let tomorrow_at_eight = now
        .tomorrow()
        .and_then(|tomorrow| tomorrow.with().time(Time::constant(8, 0, 0, 0)).build())
        .map_or_else(|_| now.timestamp(), |at| at.timestamp());
    let information = format!("information-{}", year - 2);
    vec![
        live(
            ACADEMIC,
            json!({
                "topic": "academic.course-change",
                "template": "course-change",
                "params": {
                    "course": "数据结构", "teacher": "陈志强", "old_time": format!("{}第3–4节", date(2)),
                    "new_time": format!("{}第7–8节", date(4)), "room": "信息楼 B201",
                },
                "audience": {"groups": [information]},
                "priority": "high",
            }),
        ),
        live(
            LIBRARY,
            json!({
                "topic": "library.new-books",
                "category": "resource_update",
                "title": "本周新书：人工智能与农业专题",
                "body": "本周新到图书 **126** 册，馆员推荐：\n\n- 《智慧农业：数据驱动的种植》\n- 《动手学深度学习（第二版）》\n\
                         - 《土壤的故事》\n\n三楼东区新书架开放借阅，欢迎荐购。",
                "link": "https://lib.zhonglou.example/new",
            }),
        ),
        live(
            RESEARCH,
            json!({
                "topic": "research.funding.nsfc",
                "title": format!("{}年度国家自然科学基金集中申报启动", year + 1),
                "body": format!(
                    "各位老师：\n\n{}年度国家自然科学基金项目集中接收期即将开始。\n\n1. 校内形式审查截止：**{}**\n\
                     2. 系统提交截止：**{}** 16:00\n3. 请提前确认在研项目数，避免超项\n\n科研院设有申报答疑，地点：行政楼 302。",
                    year + 1, date(60), date(75)
                ),
            }),
        ),
        live(
            ACADEMIC,
            json!({
                "topic": "academic.exam",
                "title": "期末考试安排已发布",
                "body": "各位同学：\n\n本学期期末考试安排已在教务系统发布，请核对考试时间、考场与座位号。\n\n\
                         - 携带**学生证**与**身份证**，提前 15 分钟入场\n- 手机须关机并放入指定区域\n\
                         - 缓考申请请在考前一周提交\n\n祝考试顺利！",
                "variants": {"en": {
                    "title": "Final examination timetable published",
                    "body": "The timetable of this term's final examinations is now online. Please check time, room and seat.\n\n\
                             - Bring your **student card** and **passport**, and arrive 15 minutes early\n\
                             - Telephones are to be switched off",
                }},
                "audience": {"groups": ["all-students"]},
                "channels": ["email", "wechat"],
                "link": "https://jw.zhonglou.example/exams",
                "attributes": {"term": format!("{year}-1")},
            }),
        ),
        live(
            STUDENT_AFFAIRS,
            json!({
                "topic": "campus.activity.concert",
                "title": "第二十三届“钟楼之声”校园歌手大赛决赛",
                "body": format!(
                    "**{} 19:00**，大学生活动中心报告厅。\n\n凭校园卡在学生会服务台领取门票，每人限两张，先到先得。", date(6)
                ),
                "audience": {"groups": ["all-students"], "exclude": {"groups": ["graduates"]}},
                "priority": "low",
            }),
        ),
        live(
            SECURITY,
            json!({
                "topic": "campus.facility.power",
                "template": "power-outage",
                "params": {
                    "building": "北区7号楼", "reason": "配电设备检修",
                    "from": format!("{} 22:30", date(1)), "until": format!("{} 5:30", date(2)),
                },
                "audience": {"groups": ["north-7"]},
                "priority": "high",
            }),
        ),
        live(
            STUDENT_AFFAIRS,
            json!({
                "topic": "student.scholarship",
                "title": "国家奖学金候选人公示",
                "body": "经学院推荐、学校评审，国家奖学金候选人名单现予公示，公示期五个工作日。\n\n\
                         如有异议，请以书面形式向学生资助管理中心反映。",
                "audience": {"groups": ["undergraduates"], "exclude": {"where": format!("grade = {year}")}},
            }),
        ),
        live(LIBRARY, library_due(&date(3), people)),
        live(
            RESEARCH,
            json!({
                "topic": "research.seminar",
                "title": "邀请函：作物基因编辑前沿研讨会",
                "body": format!("诚邀您参加 **{}** 在我校举行的作物基因编辑前沿研讨会，会议室：国际会议中心 2 号厅。", date(12)),
                "to": [
                    {"email": "prof.lin@seminar.example"}, {"email": "d.okafor@seminar.example"},
                    {"email": "bounce-sato@seminar.example"}, {"email": "full.martin@seminar.example"},
                ],
            }),
        ),
        live(
            STUDENT_AFFAIRS,
            json!({
                "topic": "student.international.visa",
                "title": "居留许可延期办理提醒",
                "body": "居留许可将于下月到期的同学，请提前三十天到国际学生办公室办理延期。",
                "variants": {"en": {
                    "title": "Extending your residence permit",
                    "body": "If your residence permit expires next month, please come to the International Student Office at \
                             least **thirty days** before it does. Bring your passport and your registration form.",
                }},
                "audience": {"groups": ["international"]},
            }),
        ),
        live(
            ACADEMIC,
            json!({
                "topic": "academic.exam.reminder",
                "title": "明日开考提醒",
                "body": "期末考试今日开始，请再次核对考场，携带学生证，提前 15 分钟入场。",
                "audience": {"groups": ["undergraduates"]},
                "send_at": tomorrow_at_eight,
            }),
        ),
        live(
            SECURITY,
            json!({
                "topic": "security.drill",
                "title": "消防疏散演练安排",
                "body": format!(
                    "{} 15:00 将在南区宿舍举行消防疏散演练，届时会有警铃与烟雾，请听从楼长指挥，**不要乘坐电梯**。", date(5)
                ),
                "audience": {"where": "building like '南区%'", "groups": ["duty-officers"]},
            }),
        ),
        First {
            source: ACADEMIC,
            test: true,
            body: json!({
                "topic": "academic.test",
                "title": "接口联调",
                "body": "用测试密钥发出：全程真实运行，最后交给沙箱，不会离开本系统。",
                "to": [
                    {"email": "anyone@sandbox.invalid"}, {"email": "temp-fail@sandbox.invalid"},
                    {"email": "bounce@sandbox.invalid"}, {"email": "silent@sandbox.invalid"},
                    {"email": "unknown@sandbox.invalid"},
                ],
            }),
        },
    ]
}

/// One text, other books for each reader.
fn library_due(due: &str, people: &[Person]) -> Value {
    const BOOKS: [&str; 6] = ["植物生理学", "算法导论", "宏观经济学", "兽医内科学", "现代汉语", "线性代数"];
    let readers = people.iter().filter(|p| matches!(p.attributes, Attributes::Student { .. })).step_by(61);
    let personalise: Vec<_> = readers
        .zip(BOOKS.iter().cycle())
        .enumerate()
        .map(|(n, (reader, book))| {
            json!({"campus_id": reader.campus_id, "params": {
                "name": reader.name, "book": book, "due": due, "renewable": n % 3 != 0,
            }})
        })
        .collect();
    let readers: Vec<_> = personalise.iter().map(|line| line["campus_id"].clone()).collect();
    json!({
        "topic": "library.due",
        "template": "library-due",
        "audience": {"recipients": readers},
        "personalise": personalise,
    })
}

#[cfg(test)]
mod tests {
    use super::super::campus::SYSTEMS;
    use super::super::people::people;
    use super::*;
    use crate::domain::topic::{Topic, TopicPattern};

    #[test]
    fn each_system_sends_on_its_own_topics() {
        let now: Zoned = "2026-11-21T09:00:00+08:00[Asia/Shanghai]".parse().unwrap();
        let messages = messages(&now, 2026, &people(2026));
        assert!(messages.len() >= 12);
        for message in messages {
            let topic: Topic = message.body["topic"].as_str().unwrap().parse().unwrap();
            let system = SYSTEMS.iter().find(|system| system.name == message.source).unwrap();
            let patterns = system.topics.iter().map(|topic| topic.parse::<TopicPattern>().unwrap());
            assert!(patterns.into_iter().any(|pattern| pattern.matches(&topic)), "{topic:?}");
        }
    }
}

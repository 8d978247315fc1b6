//! The two weeks before the demo began: messages that were sent then, by the same planner and workers as all others, at a
//! clock that is turned from one to the next. Vendors of their own take them, so that nothing of it stands in the
//! mailboxes of today.

use anyhow::Context as _;
use jiff::{ToSpan as _, Zoned};
use serde_json::{Value, json};

use super::campus::{ACADEMIC, LIBRARY, RESEARCH, SECURITY, STUDENT_AFFAIRS};
use super::seed::{CALLER, Seeded};
use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::service::messages::{AcceptOptions, accept, reject, release};
use crate::service::receipts::{self, Callback};
use crate::service::{deliveries, policies, suppressions};
use crate::simulator::http_sms::{Inbox, InboxQuery};

/// How many days the past is long.
const DAYS: i64 = 14;
/// After each message the clock is turned by so many minutes, one after the other: greylisting, retries and fallback
/// take their time.
const AFTERWARDS: [i64; 3] = [2, 15, 31];
/// One telephone in so many is switched off.
const SWITCHED_OFF: u64 = 19;

/// When the past begins.
pub(super) fn begins(now: &Zoned) -> Timestamp {
    let day = now.checked_sub(DAYS.days()).unwrap_or_else(|_| now.clone());
    day.start_of_day().map_or_else(|_| day.timestamp(), |midnight| midnight.timestamp()).into()
}

/// What an administrator did with a message afterwards.
enum Then {
    Nothing,
    Release,
    Reject(&'static str),
    Cancel,
}

struct Past {
    /// Days before today, and the time.
    at: (i64, i8, i8),
    source: &'static str,
    body: Value,
    then: Then,
}

/// Sends all of it. `inbox`: what the gateway of the past received.
pub(super) async fn live_through(
    app: &mut App,
    seeded: &Seeded,
    inbox: &Inbox,
    callback: &str,
) -> anyhow::Result<()> {
    let Seeded { callers, now, .. } = seeded;
    let s = app.services().clone();
    policies::apply(&s, &CALLER, &policy(now)).await?;
    let mut heard = Heard { inbox, callback, until: 0 };
    for (number, past) in (1..).zip(messages(now)) {
        let (days, hour, minute) = past.at;
        let moment = now.checked_sub(days.days())?.with().hour(hour).minute(minute).second(7).build()?;
        turn_to(app, moment.timestamp().into()).await?;
        let caller = callers.get(&(past.source, false)).context("a message of a system that is not there")?;
        let options = AcceptOptions { request_id: format!("past-{number}"), ..AcceptOptions::default() };
        let accepted = accept(&s, caller, past.body.to_string().as_bytes(), &options)
            .await
            .with_context(|| format!("the demo's past message {number} was refused"))?;
        app.drain().await?;
        act(app, accepted.message.id, &past.then).await?;
        for minutes in AFTERWARDS {
            heard.tell(app).await?;
            turn_to(app, s.clock.now().plus(std::time::Duration::from_mins(minutes as u64))).await?;
        }
    }
    let asked = json!({"kind": "mobile", "address": "16100000000", "cause": "wrong", "note": "号码已换机主，来电告知"});
    suppressions::add(&s, &CALLER, &asked).await?;
    // Whoever tries the demo at night wants to see something arrive.
    let calendar = json!({"calendar": policy(now)["calendar"], "note": "试用期间不设免打扰与频次上限"});
    policies::apply(&s, &CALLER, &calendar).await?;
    turn_to(app, now.timestamp().into()).await
}

/// Turns the clock forward and does what is due then.
async fn turn_to(app: &mut App, moment: Timestamp) -> anyhow::Result<()> {
    let clock = &app.services().clock;
    clock.turn((moment.millis() - clock.now().millis()).max(0));
    Ok(app.drain().await?)
}

async fn act(app: &mut App, message: MessageId, then: &Then) -> anyhow::Result<()> {
    let s = app.services().clone();
    match then {
        Then::Nothing => return Ok(()),
        Then::Release => release(&s, &CALLER, message, "").await?,
        Then::Reject(why) => reject(&s, &CALLER, message, why).await?,
        Then::Cancel => drop(deliveries::cancel(&s, &CALLER, message).await?),
    }
    Ok(app.drain().await?)
}

/// The telephones of the past, as far as their receipts were told.
struct Heard<'a> {
    inbox: &'a Inbox,
    /// Where the gateway's provider listens: `/callbacks/{provider}/{secret}`.
    callback: &'a str,
    until: u64,
}

impl Heard<'_> {
    async fn tell(&mut self, app: &mut App) -> anyhow::Result<()> {
        let mut records = Vec::new();
        let mut query = InboxQuery { limit: 500, ..InboxQuery::default() };
        loop {
            let page = self.inbox.list(&query);
            let fresh = page.texts.iter().filter(|sms| sms.sequence > self.until);
            records.extend(fresh.map(|sms| {
                let off = sms.sequence.is_multiple_of(SWITCHED_OFF);
                let status = if off { "MK:0001" } else { "DELIVRD" };
                json!({"msgid": sms.call, "mobile": sms.number, "status": status})
            }));
            match page.older.filter(|older| *older > self.until) {
                Some(older) => query.before = Some(older),
                None => break,
            }
        }
        self.until = self.inbox.total();
        if records.is_empty() {
            return Ok(());
        }
        let mut path = self.callback.rsplit('/');
        let (secret, provider) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
        let callback = Callback {
            is_post: true,
            query: String::new(),
            content_type: Some("application/json".to_owned()),
            body: Value::Array(records).to_string().into_bytes(),
        };
        receipts::take(app.services(), provider, secret, &callback).await?;
        Ok(app.drain().await?)
    }
}

/// What was in force in those two weeks.
fn policy(now: &Zoned) -> Value {
    let year = now.year();
    let day = |days: i64| now.checked_add(days.days()).map_or_else(|_| now.date(), |at| at.date());
    json!({
        "note": "本学期的校历与免打扰时段",
        "calendar": [
            {"name": "国庆节", "kind": "holiday", "first": format!("{year}-10-01"), "last": format!("{year}-10-07")},
            {"name": "期中考试周", "kind": "exams", "first": day(-6), "last": day(-2)},
            {"name": "期末考试周", "kind": "exams", "first": day(45), "last": day(58)},
        ],
        "quiet_hours": [
            {"days": ["exams"], "channels": ["sms", "wechat"], "times": ["12:30-13:30", "21:30-07:30"]},
            {"days": ["weekend", "holiday"], "channels": ["sms", "wechat"], "times": ["22:30-08:30"]},
            {"channels": ["sms", "wechat"], "times": ["22:30-07:00"]},
        ],
        "frequency_cap": {"sms": 2},
        "repeats": {"within_hours": 48, "similar": {"percent": 90, "then": "tell"}},
    })
}

fn past(at: (i64, i8, i8), source: &'static str, body: Value) -> Past {
    Past { at, source, body, then: Then::Nothing }
}

/// In the order of their moments.
fn messages(now: &Zoned) -> Vec<Past> {
    let year = now.year();
    let class = |class: &str| json!({"where": format!("class = '{class}'")});
    let entry = |years: i16| format!("{:02}", (if now.month() >= 9 { year } else { year - 1 } - years) % 100);
    let course = |course: &str, room: &str| json!({"course": course, "teacher": "周海燕", "old_time": "周三第1–2节", "new_time": "周五第5–6节", "room": room});
    vec![
        past((13, 9, 12), ACADEMIC, json!({
            "topic": "academic.exam.midterm", "title": "期中考试安排", "audience": {"groups": ["agronomy"]},
            "body": "期中考试下周一开始，考场与座位号见教务系统。请携带**学生证**，提前 15 分钟入场。",
            "channels": ["email", "wechat"],
        })),
        past((13, 15, 40), LIBRARY, json!({
            "topic": "library.new-books", "category": "resource_update", "title": "新书通报：土壤与生态",
            "body": "本周新到图书 58 册，三楼东区新书架开放借阅。", "link": "https://lib.zhonglou.example/new",
        })),
        past((12, 10, 5), RESEARCH, json!({
            "topic": "research.funding.province", "title": format!("{year}年度省自然科学基金申报"),
            "body": "申报系统已开放，校内截止时间为下月 10 日。限项要求见附件，答疑地点：行政楼 302。",
        })),
        past((12, 19, 30), STUDENT_AFFAIRS, json!({
            "topic": "campus.activity.lecture", "title": "“耕读讲堂”第 41 讲", "audience": {"groups": ["graduates"]},
            "body": "本周四 19:00，图书馆报告厅，主题：种子里的中国。", "priority": "low",
        })),
        past((11, 8, 2), ACADEMIC, json!({
            "topic": "academic.course-change", "template": "course-change", "params": course("植物生理学", "农科楼 305"),
            "audience": class(&format!("农学{}01", entry(2))), "priority": "high",
        })),
        past((11, 22, 48), LIBRARY, json!({
            "topic": "library.hours", "category": "announcement", "title": "自习室开放时间调整",
            "body": "明日起图书馆一层自习室延长开放至 23:30。", "audience": {"groups": ["student-union", "library-readers"]},
            "channels": ["sms"],
        })),
        past((10, 9, 0), SECURITY, json!({
            "topic": "campus.facility.water", "title": "北区 7 号楼停水通知", "audience": {"groups": ["north-7"]},
            "body": "因管道抢修，今日 13:00–17:00 停水，请提前储水。", "channels": ["sms", "email"], "priority": "high",
        })),
        past((10, 14, 20), RESEARCH, json!({
            "topic": "research.seminar", "title": "青年学者论坛报名", "audience": {"groups": ["principal-investigators"]},
            "body": "论坛将于下周五举行，请各课题组推荐一名报告人。",
        })),
        past((9, 10, 30), STUDENT_AFFAIRS, Value::Object(fees())).then(Then::Release),
        past((9, 16, 0), LIBRARY, json!({
            "topic": "library.new-books", "category": "resource_update", "title": "新书通报：数字乡村",
            "body": "本周新到图书 44 册，荐购请登录“我的图书馆”。", "link": "https://lib.zhonglou.example/new",
        })),
        past((8, 9, 30), STUDENT_AFFAIRS, json!({
            "topic": "student.dormitory", "title": "宿舍安全检查", "audience": {"where": "building = '南区2号楼'"},
            "body": "本周三、周四 14:00 起检查大功率电器与消防通道，请配合。", "channels": ["email", "wechat"],
        })),
        past((8, 9, 45), SECURITY, json!({
            "topic": "security.dormitory", "title": "宿舍安全检查", "audience": {"where": "building = '南区2号楼'"},
            "body": "本周三、周四 14:00 起，检查大功率电器与消防通道，请配合。", "channels": ["email", "wechat"],
        })),
        past((7, 9, 10), ACADEMIC, json!({
            "topic": "academic.course-change", "template": "course-change", "params": course("数据结构", "信息楼 B201"),
            "audience": class(&format!("计科{}01", entry(1))), "priority": "high",
        })),
        past((7, 11, 0), STUDENT_AFFAIRS, json!({
            "topic": "student.scholarship", "title": "助学金发放到账", "audience": {"groups": ["international"]},
            "body": "本学期助学金已发放，请核对银行卡到账情况。",
        })).then(Then::Reject("不得在群发消息中提及银行卡信息")),
        past((6, 10, 0), ACADEMIC, json!({
            "topic": "academic.exam.midterm", "title": "期中考试考场调整", "audience": class(&format!("会计{}01", entry(2))),
            "body": "《中级财务会计》考场由经管楼 201 调整至 **经管楼 305**。", "channels": ["sms", "wechat"], "priority": "high",
        })),
        past((6, 21, 50), LIBRARY, json!({
            "topic": "library.seat", "title": "今晚座位预约失败", "audience": {"groups": ["student-union"]},
            "body": "因系统维护，今晚 22 点前的座位预约无效。", "channels": ["sms"], "expires_at": moment(now, 5, 7, 0),
        })),
        past((5, 9, 20), RESEARCH, json!({
            "topic": "research.safety",
                "title": "实验室安全培训",
                "audience": {"where": "department = '信息学院' and role = 'staff'"},
                "body": "本月培训定于周五下午，新进课题组成员须取得合格证后方可进入实验室。",
            })),
        past((5, 15, 0), STUDENT_AFFAIRS, json!({
            "topic": "campus.activity.sports", "title": "校运会志愿者招募", "audience": {"groups": ["student-union"]},
            "body": "招募志愿者 60 名，提供服装与工作餐。", "priority": "low",
        })),
        past((4, 8, 30), ACADEMIC, json!({
            "topic": "academic.teaching", "title": "教学检查安排", "audience": {"groups": ["teachers"]},
            "body": "第 12 周开展期中教学检查，请准备教案与成绩分布。", "channels": ["email", "wechat"],
        })),
        past((4, 17, 10), STUDENT_AFFAIRS, json!({
            "topic": "campus.activity.film", "title": "露天电影：钟楼广场", "audience": {"groups": ["graduates", "student-union"]},
            "body": "周五 19:30，如遇降雨改至大学生活动中心。", "channels": ["wechat"],
        })).then(Then::Cancel),
        past((3, 9, 0), LIBRARY, json!({
            "topic": "library.new-books", "category": "resource_update", "title": "新书通报：人工智能",
            "body": "本周新到图书 71 册，其中外文原版 12 册。", "link": "https://lib.zhonglou.example/new",
        })),
        past((3, 16, 30), SECURITY, json!({
            "topic": "security.traffic", "title": "校园交通管制", "audience": {"groups": ["all-staff"]},
            "body": "周六 8:00–18:00 东门机动车禁行，请由南门进出。", "channels": ["email", "wechat"],
        })),
        past((2, 10, 15), RESEARCH, json!({
            "topic": "research.platform", "title": "大型仪器共享平台升级", "body": "周日 0:00–6:00 停机升级，预约自动顺延。",
        })),
        past((2, 18, 0), STUDENT_AFFAIRS, json!({
            "topic": "student.health", "title": "流感疫苗接种", "audience": {"groups": ["all-students"]},
            "body": "本周五、周六 9:00–16:00，校医院门诊大厅，请携带校园卡。", "channels": ["wechat"],
        })),
        past((1, 8, 5), ACADEMIC, json!({
            "topic": "academic.course-change", "template": "course-change", "params": course("宏观经济学", "经管楼 402"),
            "audience": class(&format!("经济{}01", entry(3))), "priority": "high",
        })),
        past((1, 14, 40), STUDENT_AFFAIRS, json!({
            "topic": "student.fee", "title": "体检费缴费提醒", "audience": {"groups": ["graduating-class"]},
            "body": "毕业生体检费缴费截止本周五，请登录校园统一支付平台。",
        })),
    ]
}

impl Past {
    fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

fn fees() -> serde_json::Map<String, Value> {
    let body = json!({
        "topic": "student.fee", "title": "住宿费缴费提醒", "audience": {"where": "building = '北区3号楼'"},
        "body": "尚未缴纳住宿费的同学，请于本月底前在校园统一支付平台完成缴费。", "channels": ["email", "wechat"],
    });
    body.as_object().cloned().unwrap_or_default()
}

/// RFC 3339.
fn moment(now: &Zoned, days: i64, hour: i8, minute: i8) -> String {
    let at =
        now.checked_sub(days.days()).and_then(|day| day.with().hour(hour).minute(minute).second(0).build());
    at.map_or_else(|_| now.timestamp(), |at| at.timestamp()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_told_in_its_order_and_before_today() {
        for now in ["2026-11-21T00:01:00+08:00[Asia/Shanghai]", "2027-03-02T23:59:00+08:00[Asia/Shanghai]"] {
            let now: Zoned = now.parse().unwrap();
            let at = |past: &Past| moment(&now, past.at.0, past.at.1, past.at.2);
            let moments: Vec<_> = messages(&now).iter().map(at).collect();
            assert!(moments.is_sorted() && moments.len() > 20);
            assert!(
                moments[0] > begins(&now).to_string()
                    && moments[moments.len() - 1] < now.timestamp().to_string()
            );
        }
    }
}

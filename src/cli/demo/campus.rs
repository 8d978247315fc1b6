//! What the demo campus is beside its people: who sends, who is grouped together, and the texts kept for reuse.

use serde_json::{Value, json};

use super::people::{Attributes, Person};

/// A department's system.
pub(super) struct System {
    pub(super) name: &'static str,
    pub(super) department: &'static str,
    pub(super) topics: &'static [&'static str],
    pub(super) channels: &'static [&'static str],
    pub(super) rights: &'static [&'static str],
    /// Messages a second, and a day.
    pub(super) limits: (Option<i64>, Option<i64>),
}

/// The system whose keys are shown, so it may do more than most.
pub(super) const ACADEMIC: &str = "教务系统";
pub(super) const RESEARCH: &str = "科研管理平台";
pub(super) const LIBRARY: &str = "图书馆系统";
pub(super) const STUDENT_AFFAIRS: &str = "学工系统";
pub(super) const SECURITY: &str = "校园安防平台";

pub(super) const SYSTEMS: &[System] = &[
    System {
        name: ACADEMIC,
        department: "教务处",
        topics: &["academic.#"],
        channels: &["email", "wechat", "sms"],
        rights: &["directory", "send_direct"],
        limits: (None, None),
    },
    System {
        name: RESEARCH,
        department: "科研院",
        topics: &["research.#"],
        channels: &["email", "wechat"],
        rights: &["send_direct"],
        limits: (Some(50), Some(2_000)),
    },
    System {
        name: LIBRARY,
        department: "图书馆",
        topics: &["library.#"],
        channels: &["email", "wechat", "sms"],
        rights: &[],
        limits: (Some(100), Some(20_000)),
    },
    System {
        name: STUDENT_AFFAIRS,
        department: "学生处",
        topics: &["student.#", "campus.activity.#"],
        channels: &["email", "wechat", "sms"],
        rights: &["read_inbox"],
        limits: (Some(100), Some(10_000)),
    },
    System {
        name: SECURITY,
        department: "保卫处",
        topics: &["security.#", "campus.facility.#"],
        channels: &["email", "wechat", "sms"],
        rights: &["emergency", "broadcast"],
        limits: (None, None),
    },
];

/// Whoever belongs to a group.
pub(super) enum Members {
    /// Whom the filter finds when the group is used.
    Where(String),
    /// Campus ids.
    Listed(Vec<String>),
}

pub(super) struct Group {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) members: Members,
}

/// The groups of the academic year that began in September of `year`.
pub(super) fn groups(year: i16, people: &[Person]) -> Vec<Group> {
    let entry = year - 2;
    let dynamic = |slug: &str, name: &str, filter: &str| Group {
        slug: slug.to_owned(),
        name: name.to_owned(),
        members: Members::Where(filter.to_owned()),
    };
    let listed = |slug: &str, name: &str, every: usize, wanted: fn(&Person) -> bool| Group {
        slug: slug.to_owned(),
        name: name.to_owned(),
        members: Members::Listed(
            people.iter().filter(|p| wanted(p)).step_by(every).map(|p| p.campus_id.clone()).collect(),
        ),
    };
    vec![
        dynamic("all-students", "全体学生", "role = 'student'"),
        dynamic("all-staff", "全体教职工", "role = 'staff'"),
        dynamic("undergraduates", "全体本科生", "role = 'student' and degree = '本科'"),
        dynamic("graduates", "全体研究生", "role = 'student' and degree = '硕士'"),
        dynamic(
            "graduating-class",
            "毕业班",
            &format!(
                "(degree = '本科' and grade = {}) or (degree = '硕士' and grade = {})",
                year - 3,
                year - 1
            ),
        ),
        dynamic(
            &format!("information-{entry}"),
            &format!("信息学院{entry}级"),
            &format!("college = '信息学院' and degree = '本科' and grade = {entry}"),
        ),
        dynamic("agronomy", "农学院师生", "department = '农学院'"),
        dynamic("north-7", "北区7号楼住宿学生", "building = '北区7号楼'"),
        dynamic("international", "国际学生", "international = true"),
        dynamic("teachers", "任课教师", "role = 'staff' and title in ('教授', '副教授', '讲师', '助教')"),
        listed("library-readers", "图书馆读者委员会", 97, |_| true),
        listed("principal-investigators", "科研项目负责人", 3, |p| {
            matches!(p.attributes, Attributes::Staff { title: "教授" | "副教授" })
        }),
        listed("duty-officers", "值班干部", 4, |p| p.department == "保卫处"),
        listed("student-union", "校学生会", 40, |p| {
            matches!(p.attributes, Attributes::Student { degree: "本科", .. })
        }),
    ]
}

/// Texts kept for reuse: slug, name and content.
pub(super) fn templates() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "library-due",
            "图书到期提醒",
            json!({
                "title": "您借阅的《{{ book }}》将于 {{ due }} 到期",
                "body": "{{ name | default('读者') }}，您好：\n\n您借阅的《{{ book }}》将于 **{{ due }}** 到期。\
                         {% if renewable %}可在“我的图书馆”续借一次。{% else %}该书已有读者预约，不能续借。{% endif %}\n\n\
                         逾期图书每册每日收取 0.1 元滞纳金。\n\n图书馆流通部",
                "variants": {
                    "en": {
                        "title": "“{{ book }}” is due on {{ due }}",
                        "body": "“{{ book }}” is due on **{{ due }}**. {% if renewable %}You may renew it once online.\
                                 {% else %}Another reader has reserved it, so it cannot be renewed.{% endif %}\n\nThe Library",
                    },
                    "sms": {"body": "您借阅的《{{ book }}》将于 {{ due }} 到期{% if renewable %}，可在“我的图书馆”续借一次{% endif %}。"},
                    "sms.en": {"body": "“{{ book }}” is due on {{ due }}.{% if renewable %} You may renew it once.{% endif %}"},
                },
            }),
        ),
        (
            "course-change",
            "调课通知",
            json!({
                "title": "调课：{{ course }}",
                "body": "《{{ course }}》（{{ teacher }}）原定 {{ old_time }} 的课调整至 **{{ new_time }}**，\
                         地点：**{{ room }}**。\n\n请互相转告。\n\n教务处",
            }),
        ),
        (
            "power-outage",
            "停电通知",
            json!({
                "title": "{{ building }}停电通知",
                "body": "因{{ reason }}，{{ building }}将于 **{{ from }}** 至 **{{ until }}** 停电。\
                         请提前保存资料、关闭电器。\n\n后勤保障部",
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::people::people;
    use super::*;
    use crate::domain::content::Content;
    use crate::domain::filter::{Filter, Value as FilterValue};
    use crate::domain::source::Right;
    use crate::domain::topic::TopicPattern;

    /// The people a group's filter finds.
    fn found(filter: &str, people: &[Person]) -> usize {
        let filter = Filter::parse(filter).unwrap();
        let finds = |person: &&Person| {
            let attributes = serde_json::to_value(&person.attributes).unwrap();
            filter.matches(&|name| match name {
                "campus_id" => Some(FilterValue::Text(person.campus_id.as_str().into())),
                "department" => Some(FilterValue::Text(person.department.as_str().into())),
                "language" => Some(FilterValue::Text(person.language.into())),
                other => FilterValue::from_json(attributes.get(other)?),
            })
        };
        people.iter().filter(finds).count()
    }

    #[test]
    fn no_group_is_empty() {
        let people = people(2026);
        for group in groups(2026, &people) {
            let members = match &group.members {
                Members::Where(filter) => found(filter, &people),
                Members::Listed(ids) => ids.len(),
            };
            assert!(members > 0, "{}", group.name);
        }
        assert_eq!(found("role = 'student'", &people), 2_640);
        assert_eq!(found("college = '信息学院' and degree = '本科' and grade = 2024", &people), 90);
    }

    #[test]
    fn what_systems_may_do_can_be_read() {
        for system in SYSTEMS {
            assert!(
                system.topics.iter().all(|topic| topic.parse::<TopicPattern>().is_ok()),
                "{}",
                system.name
            );
            assert!(system.rights.iter().all(|right| right.parse::<Right>().is_ok()), "{}", system.name);
        }
    }

    #[test]
    fn templates_keep_the_rules() {
        for (slug, _, content) in templates() {
            let content: Content = serde_json::from_value(content).unwrap();
            assert!(content.faults().is_empty(), "{slug}: {:?}", content.faults());
        }
    }
}

//! Three thousand people: 80 classes of 30 undergraduates, 240 graduate students and 360 members of staff.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dice::Dice;
use super::names;

/// Domains under `.example` belong to nobody (RFC 2606), so that nothing could leave even by mistake.
const STUDENT_DOMAIN: &str = "stu.zhonglou.example";
const STAFF_DOMAIN: &str = "zhonglou.example";
/// Private mailboxes: their relay refuses strangers at first.
pub(super) const PRIVATE_DOMAIN: &str = "mail.example";
/// Closed since long; some people's addresses were never brought up to date.
pub(super) const CLOSED_DOMAIN: &str = "old.zhonglou.example";
/// Mobile ranges that no operator has been given.
const MOBILE_RANGES: [&str; 4] = ["161", "163", "164", "168"];

const CLASS: usize = 30;
const YEARS: i16 = 4;
const GRADUATES: usize = 240;
const STAFF: usize = 360;
const NORTH: usize = 12;
const SOUTH: usize = 8;

struct College {
    name: &'static str,
    /// Name, and what its classes are called by.
    majors: &'static [(&'static str, &'static str)],
}

const COLLEGES: &[College] = &[
    College {
        name: "农学院", majors: &[("农学", "农学"), ("园艺", "园艺"), ("植物保护", "植保")]
    },
    College { name: "生命科学学院", majors: &[("生物科学", "生科"), ("生物技术", "生技")] },
    College {
        name: "信息学院",
        majors: &[("电子信息工程", "信息"), ("计算机科学与技术", "计科"), ("数据科学与大数据技术", "数科")],
    },
    College {
        name: "经济管理学院",
        majors: &[("经济学", "经济"), ("会计学", "会计"), ("农林经济管理", "农经")],
    },
    College { name: "外国语学院", majors: &[("英语", "英语"), ("日语", "日语")] },
    College {
        name: "工学院", majors: &[("机械设计制造及其自动化", "机械"), ("电气工程及其自动化", "电气")]
    },
    College { name: "动物科技学院", majors: &[("动物科学", "动科"), ("动物医学", "动医")] },
    College { name: "人文与发展学院", majors: &[("法学", "法学"), ("社会学", "社会")] },
    College { name: "理学院", majors: &[("应用数学", "数学")] },
];

const OFFICES: &[&str] =
    &["教务处", "科研院", "图书馆", "学生处", "保卫处", "人事处", "财务处", "后勤保障部", "信息化办公室"];
const TEACHING_TITLES: &[&str] = &["教授", "副教授", "副教授", "讲师", "讲师", "讲师", "助教"];
const OFFICE_TITLES: &[&str] = &["处长", "科长", "科员", "科员", "科员", "工程师", "馆员"];

/// A line of the import.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Person {
    pub(super) campus_id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mobile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wecom_userid: Option<String>,
    pub(super) language: &'static str,
    pub(super) department: String,
    pub(super) attributes: Attributes,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(super) enum Attributes {
    Student {
        /// 本科 or 硕士.
        degree: &'static str,
        college: &'static str,
        major: &'static str,
        /// The year of entry.
        grade: i16,
        class: String,
        dormitory: String,
        building: String,
        international: bool,
    },
    Staff {
        title: &'static str,
    },
}

/// The people of the academic year that began in September of `year`.
pub(super) fn people(year: i16) -> Vec<Person> {
    let mut maker = Maker { dice: Dice::new(0x7a68_6f6e_676c_6f75), spellings: BTreeMap::new() };
    let mut people = Vec::with_capacity(3_000);
    for (number, college) in (1..).zip(COLLEGES) {
        for (major_number, (major, short)) in (1..).zip(college.majors) {
            for grade in year + 1 - YEARS..=year {
                for seat in 1..=CLASS {
                    let campus_id = format!("{grade}{number:02}{major_number}01{seat:02}");
                    let class = format!("{short}{:02}01", grade % 100);
                    people.push(maker.student(campus_id, college.name, major, "本科", grade, class));
                }
            }
        }
    }
    for seat in 0..GRADUATES {
        let (number, college) = (seat % COLLEGES.len(), &COLLEGES[seat % COLLEGES.len()]);
        let (major, short) = college.majors[seat / COLLEGES.len() % college.majors.len()];
        let grade = year - i16::from(seat % 2 == 1);
        let campus_id = format!("S{grade}{:02}{:03}", number + 1, seat / COLLEGES.len() + 1);
        let class = format!("{short}硕{:02}", grade % 100);
        people.push(maker.student(campus_id, college.name, major, "硕士", grade, class));
    }
    for seat in 0..STAFF {
        people.push(maker.member_of_staff(seat, year));
    }
    people
}

struct Maker {
    dice: Dice,
    /// How often each spelling of a staff name was given: the second 王敏 is `wangmin2`.
    spellings: BTreeMap<String, usize>,
}

impl Maker {
    fn student(
        &mut self,
        campus_id: String,
        college: &'static str,
        major: &'static str,
        degree: &'static str,
        grade: i16,
        class: String,
    ) -> Person {
        let international = self.dice.chance(2);
        let (name, spelling) = names::chinese(&mut self.dice);
        let name = if international { names::foreign(&mut self.dice) } else { name };
        let building = match (international, self.dice.chance(60)) {
            (true, _) => "国际学生公寓".to_owned(),
            (_, true) => format!("北区{}号楼", 1 + self.dice.below(NORTH)),
            (_, false) => format!("南区{}号楼", 1 + self.dice.below(SOUTH)),
        };
        let room = 100 * (1 + self.dice.below(6)) + 1 + self.dice.below(24);
        let email = match self.dice.below(200) {
            0..8 => None,
            8..10 => Some(format!("{campus_id}@{CLOSED_DOMAIN}")),
            10..18 => Some(format!("{spelling}{}@{PRIVATE_DOMAIN}", &campus_id[campus_id.len() - 7..])),
            _ => Some(format!("{}@{STUDENT_DOMAIN}", campus_id.to_lowercase())),
        };
        Person {
            email,
            mobile: self.mobile(),
            wecom_userid: (!self.dice.chance(8)).then(|| campus_id.clone()),
            language: if international { "en" } else { "zh-CN" },
            department: college.to_owned(),
            attributes: Attributes::Student {
                degree,
                college,
                major,
                grade,
                class,
                dormitory: format!("{building}-{room}"),
                building,
                international,
            },
            campus_id,
            name,
        }
    }

    fn member_of_staff(&mut self, seat: usize, year: i16) -> Person {
        let joined = year - self.dice.below(30) as i16;
        let campus_id = format!("T{joined}{:03}", seat + 1);
        let (name, spelling) = names::chinese(&mut self.dice);
        let uses = self.spellings.entry(spelling.clone()).and_modify(|n| *n += 1).or_insert(1);
        let mailbox = if *uses == 1 { spelling } else { format!("{spelling}{uses}") };
        // Two in three teach.
        let (department, titles) = if seat.is_multiple_of(3) {
            (OFFICES[seat / 3 % OFFICES.len()], OFFICE_TITLES)
        } else {
            (COLLEGES[seat % COLLEGES.len()].name, TEACHING_TITLES)
        };
        let title = if department == "图书馆" { "馆员" } else { self.dice.pick(titles) };
        Person {
            email: (!self.dice.chance(4)).then(|| format!("{mailbox}@{STAFF_DOMAIN}")),
            mobile: self.mobile(),
            wecom_userid: (!self.dice.chance(8)).then(|| mailbox.clone()),
            language: "zh-CN",
            department: department.to_owned(),
            attributes: Attributes::Staff { title },
            campus_id,
            name,
        }
    }

    fn mobile(&mut self) -> Option<String> {
        let range = *self.dice.pick(&MOBILE_RANGES);
        let number = self.dice.below(100_000_000);
        (!self.dice.chance(6)).then(|| format!("+86{range}{number:08}"))
    }
}

/// As many lines as people, as `POST /recipients/import` takes them.
pub(super) fn ndjson(people: &[Person]) -> serde_json::Result<Vec<u8>> {
    let mut lines = Vec::with_capacity(people.len() * 420);
    for person in people {
        serde_json::to_writer(&mut lines, person)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn three_thousand_people_each_with_an_id_of_their_own() {
        let people = people(2026);
        assert_eq!(people.len(), 3_000);
        assert_eq!(people.iter().map(|p| &p.campus_id).collect::<BTreeSet<_>>().len(), 3_000);
        let addresses: Vec<_> = people.iter().filter_map(|p| p.email.as_ref()).collect();
        assert_eq!(addresses.iter().collect::<BTreeSet<_>>().len(), addresses.len());
    }

    #[test]
    fn some_addresses_are_missing() {
        let people = people(2026);
        let percent =
            |missing: fn(&Person) -> bool| people.iter().filter(|p| missing(p)).count() as f64 / 30.0;
        for (found, wanted) in [
            (percent(|p| p.email.is_none()), 4.0),
            (percent(|p| p.mobile.is_none()), 6.0),
            (percent(|p| p.wecom_userid.is_none()), 8.0),
            (percent(|p| p.language == "en"), 1.8),
        ] {
            assert!((found - wanted).abs() < 1.5, "{found} instead of {wanted}");
        }
    }

    #[test]
    fn the_campus_is_the_same_every_time() {
        assert_eq!(ndjson(&people(2026)).unwrap(), ndjson(&people(2026)).unwrap());
    }

    #[test]
    fn classes_are_called_by_their_year() {
        let people = people(2026);
        let classmates = people
            .iter()
            .filter(|p| matches!(&p.attributes, Attributes::Student { class, .. } if class == "信息2301"));
        assert_eq!(classmates.count(), CLASS);
        let line: serde_json::Value = serde_json::to_value(&people[0]).unwrap();
        assert_eq!(line["attributes"]["role"], "student");
        assert_eq!(line["campus_id"], "20230110101");
    }
}

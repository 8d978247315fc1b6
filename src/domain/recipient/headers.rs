//! What the columns of a table are called.

use std::fmt;

use super::cells::{self, Kind};
use crate::domain::filter;

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    CampusId,
    Name,
    Email,
    Mobile,
    WecomUserid,
    WechatOpenid,
    Language,
    Department,
    Attribute(String),
}

/// The headers of each field in lower case, without spaces and signs.
const KNOWN: [(Meaning, &[&str]); 8] = [
    (
        Meaning::CampusId,
        &[
            "学号",
            "工号",
            "学工号",
            "学号工号",
            "工号学号",
            "教工号",
            "职工号",
            "人员编号",
            "campusid",
            "studentid",
            "studentno",
            "studentnumber",
            "staffid",
            "staffno",
            "employeeid",
        ],
    ),
    (Meaning::Name, &["姓名", "名字", "name", "fullname"]),
    (
        Meaning::Email,
        &[
            "邮箱",
            "电子邮箱",
            "邮箱地址",
            "电子邮箱地址",
            "邮件",
            "电子邮件",
            "邮件地址",
            "email",
            "mail",
            "emailaddress",
        ],
    ),
    (
        Meaning::Mobile,
        &[
            "手机",
            "手机号",
            "手机号码",
            "移动电话",
            "联系电话",
            "电话",
            "电话号码",
            "mobile",
            "mobilephone",
            "mobileno",
            "mobilenumber",
            "cellphone",
            "phone",
            "phonenumber",
        ],
    ),
    (
        Meaning::WecomUserid,
        &["企业微信", "企业微信号", "企业微信账号", "企业微信id", "企微", "wecom", "wecomid", "wecomuserid"],
    ),
    (Meaning::WechatOpenid, &["微信", "微信openid", "openid", "wechat", "wechatopenid"]),
    (Meaning::Language, &["语言", "语种", "language", "lang"]),
    (
        Meaning::Department,
        &[
            "部门",
            "院系",
            "院系部门",
            "部门院系",
            "所在部门",
            "所属部门",
            "单位",
            "所在单位",
            "department",
            "dept",
        ],
    ),
];

/// What a file of rejected rows calls the column that says why: importing it again passes it over.
pub const REASON: [&str; 2] = ["未导入的原因", "Why it was not imported"];

/// Of these the filters have their own name.
const ROLE: [&str; 5] = ["role", "身份", "人员类别", "人员身份", "身份类别"];

/// Words for languages that forms offer.
const LANGUAGES: [(&str, &[&str]); 2] =
    [("zh-CN", &["中文", "汉语", "简体中文", "chinese"]), ("en", &["英文", "英语", "english"])];

/// Whether the column is one that an import put there itself.
pub(super) fn is_reason(header: &str) -> bool {
    REASON.contains(&cells::trim(header))
}

/// What stands below a header; `None` where it is empty.
pub(super) fn meaning(header: &str) -> Option<Meaning> {
    let name = attribute_name(header);
    let word = word(&name);
    if name.is_empty() {
        return None;
    }
    let known = KNOWN.into_iter().find(|(_, all)| all.contains(&word.as_str()));
    Some(match known {
        Some((meaning, _)) => meaning,
        None if ROLE.contains(&word.as_str()) => Meaning::Attribute("role".to_owned()),
        None => Meaning::Attribute(name.strip_prefix("attributes.").unwrap_or(&name).to_owned()),
    })
}

/// Why a column may not be called so.
pub(super) fn refused(name: &str) -> Option<(&'static str, String)> {
    if name.eq_ignore_ascii_case("active") {
        let detail = "delete this column: whoever stands in the file is active, and an import that deactivates the \
                      missing makes the others inactive";
        return Some(("reserved", detail.to_owned()));
    }
    if filter::COLUMNS.contains(&name) {
        return Some(("reserved", format!("`{name}` is a field of its own, not an attribute")));
    }
    let is_name = filter::is_attribute_name(name);
    (!is_name).then(|| ("bad_name", format!("a column's name has at most {} characters", filter::MAX_NAME)))
}

/// The tag for what a form calls a language, or what was written.
pub(super) fn language(text: &str) -> String {
    let word = text.to_lowercase();
    let tag = LANGUAGES.iter().find(|(_, all)| all.contains(&word.as_str())).map(|(tag, _)| *tag);
    tag.map_or_else(|| text.to_owned(), str::to_owned)
}

/// The header as an attribute's name: in one line and without what no name may hold.
fn attribute_name(header: &str) -> String {
    let mut name = String::new();
    for c in cells::trim(header).chars().map(|c| cells::narrow(c, Kind::Text)) {
        if c.is_whitespace() {
            if !name.ends_with(' ') {
                name.push(' ');
            }
        } else if !c.is_control() && !matches!(c, '"' | '\\' | '\u{fffd}') {
            name.push(c);
        }
    }
    cells::trim(&name).to_owned()
}

/// What is compared: neither case, spaces and signs matter, nor a note that the column has to be filled in.
fn word(name: &str) -> String {
    let narrow: String =
        name.chars().map(|c| cells::narrow(c, Kind::Code)).collect::<String>().to_lowercase();
    let mut plain = narrow.as_str();
    for note in ["(必填)", "(选填)", "(可选)", "(required)", "(optional)"] {
        plain = plain.trim_end().strip_suffix(note).unwrap_or(plain);
    }
    plain.chars().filter(|c| c.is_alphanumeric()).collect()
}

impl Meaning {
    /// By the name of a field, such as `mobile` or `attributes.year`.
    pub(super) fn of_field(field: &str) -> Option<Self> {
        if let Some(name) = field.strip_prefix("attributes.") {
            return Some(Self::Attribute(name.to_owned()));
        }
        KNOWN.into_iter().map(|(meaning, _)| meaning).find(|meaning| meaning.field() == field)
    }

    /// The field's name in a record; for attributes their own.
    pub(super) fn field(&self) -> &str {
        match self {
            Self::CampusId => "campus_id",
            Self::Name => "name",
            Self::Email => "email",
            Self::Mobile => "mobile",
            Self::WecomUserid => "wecom_userid",
            Self::WechatOpenid => "wechat_openid",
            Self::Language => "language",
            Self::Department => "department",
            Self::Attribute(name) => name,
        }
    }
}

/// `attributes.` before an attribute, as the report writes it.
impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self, Self::Attribute(_)) {
            f.write_str("attributes.")?;
        }
        f.write_str(self.field())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_known_in_both_languages_however_they_are_written() {
        for (header, means) in [
            ("学号", "campus_id"),
            ("学 号", "campus_id"),
            ("*学号", "campus_id"),
            ("学号（必填）", "campus_id"),
            ("学(工)号", "campus_id"),
            ("学号/工号", "campus_id"),
            ("\u{feff}工号", "campus_id"),
            ("Campus ID", "campus_id"),
            ("CAMPUS_ID", "campus_id"),
            ("ｃａｍｐｕｓ＿ｉｄ", "campus_id"),
            ("姓\u{3000}名", "name"),
            ("Name ", "name"),
            ("邮箱 (选填)", "email"),
            ("E-Mail", "email"),
            ("手机号码：", "mobile"),
            ("Mobile", "mobile"),
            ("部门", "department"),
            ("院系", "department"),
            ("院系/部门", "department"),
            ("企业微信", "wecom_userid"),
            ("WeCom_UserID", "wecom_userid"),
            ("微信", "wechat_openid"),
            ("语言", "language"),
            ("身份", "attributes.role"),
            ("Role", "attributes.role"),
            ("宿舍", "attributes.宿舍"),
            ("Year", "attributes.Year"),
            ("attributes.year", "attributes.year"),
            ("入学\r\n年份", "attributes.入学 年份"),
            ("a\"b\\c", "attributes.abc"),
            ("手机(备用)", "attributes.手机(备用)"),
        ] {
            assert_eq!(meaning(header).map(|it| it.to_string()).as_deref(), Some(means), "{header:?}");
        }
        for nothing in ["", " \u{a0}", "\"", "\u{feff}"] {
            assert_eq!(meaning(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn languages_are_tags_or_words() {
        for (written, tag) in
            [("中文", "zh-CN"), ("English", "en"), ("英语", "en"), ("de-AT", "de-AT"), ("火星文", "火星文")]
        {
            assert_eq!(language(written), tag);
        }
    }
}

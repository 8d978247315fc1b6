//! A table of people: what its columns mean, and what a row says.

use serde_json::{Map, Value};

use super::attributes::MOST_ATTRIBUTES;
use super::cells::{self, Kind};
use super::headers::{self, Meaning};
use super::{RecipientInput, check_campus_id};
use crate::domain::fields::{faults_of, pointer};
use crate::error::{Error, Fault, Result};

/// Names of columns that a fault repeats.
const MOST_NAMED: usize = 8;

/// The columns of a table, by its first row.
#[derive(Clone, Debug)]
pub struct Columns(Vec<Column>);

#[derive(Clone, Debug)]
struct Column {
    /// As it stands in the file.
    header: String,
    /// `None`: the column has no name, and has to be empty.
    meaning: Option<Meaning>,
    /// Nothing in it counts.
    passed_over: bool,
}

/// The fields of a person that a column may be for, besides attributes.
pub const FIELDS: [&str; 8] =
    ["campus_id", "name", "email", "mobile", "department", "wecom_userid", "wechat_openid", "language"];

/// What a column is for by its header: a field, or nothing where it is to be passed over.
pub fn guessed(header: &str) -> String {
    match headers::meaning(header) {
        Some(meaning) if !headers::is_reason(header) => meaning.to_string(),
        _ => String::new(),
    }
}

/// What a row says of a person; fields that the table has no column for are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whom it is about, where that is beyond doubt.
    pub campus_id: Option<String>,
    pub said: Result<RecipientInput, Vec<CellFault>>,
}

/// One fault of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFault {
    /// The header, as it stands in the file; nothing where no column is to blame.
    pub column: Option<String>,
    /// The cell, from 0.
    pub cell: Option<usize>,
    /// What stands in the cell.
    pub value: Option<String>,
    pub fault: Fault,
}

impl Columns {
    /// # Errors
    ///
    /// [`Error::Invalid`] with what to change in the first row; pointers name the header.
    pub fn read(header: &[&str]) -> Result<Self> {
        let columns: Vec<_> = header
            .iter()
            .map(|text| {
                let passed_over = headers::is_reason(text);
                let meaning = headers::meaning(text).filter(|_| !passed_over);
                Column { header: cells::trim(text).to_owned(), meaning, passed_over }
            })
            .collect();
        Self(columns).checked()
    }

    /// As [`read`](Self::read), with what each column is for: a field such as `mobile` or `attributes.year`, or nothing
    /// where it is to be passed over.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the fields do not make a table of people; pointers name the column's number from 0.
    pub fn chosen(header: &[&str], fields: &[String]) -> Result<Self> {
        let columns = header.iter().enumerate().map(|(i, text)| {
            let field = fields.get(i).map_or("", |field| field.trim());
            let meaning = Meaning::of_field(field);
            Column { header: cells::trim(text).to_owned(), passed_over: meaning.is_none(), meaning }
        });
        Self(columns.collect()).checked()
    }

    /// A table of which nothing is read but its cells.
    pub fn plain(header: &[&str]) -> Self {
        let column =
            |text: &&str| Column { header: cells::trim(text).to_owned(), meaning: None, passed_over: true };
        Self(header.iter().map(column).collect())
    }

    fn checked(self) -> Result<Self> {
        let faults = self.faults();
        if faults.is_empty() { Ok(self) } else { Err(Error::Invalid(faults)) }
    }

    /// Where the campus ids stand, from 0.
    pub fn campus_ids(&self) -> Option<usize> {
        self.0.iter().position(|column| column.meaning == Some(Meaning::CampusId))
    }

    /// The headers as they stand in the file.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.header.as_str())
    }

    /// How well a row does as the first of a table: more is better. Tells how a file is separated.
    pub fn fitness(header: &[&str]) -> (bool, usize, usize) {
        let meanings: Vec<_> = header.iter().filter_map(|text| headers::meaning(text)).collect();
        let known = meanings.iter().filter(|it| !matches!(it, Meaning::Attribute(_))).count();
        (meanings.contains(&Meaning::CampusId), known, header.len())
    }

    /// Each header with the field it stands for, such as `mobile` or `attributes.year`.
    pub fn meanings(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().filter_map(|it| Some((it.header.as_str(), it.meaning.as_ref()?.to_string())))
    }

    /// Reads a row; `None` where all of it is empty.
    pub fn row(&self, cells: &[&str]) -> Option<Row> {
        let says_nothing = |(i, cell): (usize, &&str)| {
            cells::is_blank(cell) || self.0.get(i).is_some_and(|column| column.passed_over)
        };
        if cells.iter().enumerate().all(says_nothing) {
            return None;
        }
        let mut record = Map::new();
        let mut attributes = Map::new();
        let mut faults: Vec<(usize, Fault)> = Vec::new();
        for (i, cell) in cells.iter().enumerate() {
            let Some(meaning) = self.0.get(i).and_then(|column| column.meaning.as_ref()) else {
                if !cells::is_blank(cell) && !self.0.get(i).is_some_and(|column| column.passed_over) {
                    faults.push((i, nameless(i)));
                }
                continue;
            };
            match cells::read(cell, meaning.kind()) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => {
                    let (into, key) = match meaning {
                        Meaning::Attribute(name) => (&mut attributes, name.as_str()),
                        Meaning::Language => {
                            record.insert("language".to_owned(), headers::language(&text).into());
                            continue;
                        }
                        known => (&mut record, known.field()),
                    };
                    into.insert(key.to_owned(), text.into());
                }
                Err(fault) => faults.push((i, fault)),
            }
        }
        let campus_id = record.get("campus_id").and_then(Value::as_str);
        // A cell too many may mean that all of them moved.
        let moved = faults.iter().any(|(_, fault)| fault.code == "no_header");
        let campus_id = campus_id.filter(|id| !moved && check_campus_id(id).is_none()).map(str::to_owned);
        record.insert("attributes".to_owned(), Value::Object(attributes));
        let said = match RecipientInput::read_row(&Value::Object(record), self.has(&Meaning::Name)) {
            Ok(input) if faults.is_empty() => Ok(input),
            Ok(_) => Err(self.told(faults, Vec::new(), cells)),
            Err(error) => Err(self.told(faults, faults_of(error), cells)),
        };
        Some(Row { campus_id, said })
    }

    /// What is known of a person after a row: of the fields that the table has a column for what the row says, and
    /// nothing where the cell is empty; of all others what was known before.
    ///
    /// # Errors
    ///
    /// The fault, where nothing was known and the table has no names, or where there are now too many attributes.
    pub fn merged(
        &self,
        said: RecipientInput,
        before: Option<RecipientInput>,
    ) -> Result<RecipientInput, Fault> {
        let Some(mut known) = before else {
            if self.has(&Meaning::Name) {
                return Ok(said);
            }
            let detail = "nobody in the directory has this campus id, and somebody new needs a name: add the column \
                          `姓名` or `name`";
            return Err(Fault::new("", "required", detail));
        };
        for meaning in self.0.iter().filter_map(|column| column.meaning.as_ref()) {
            match meaning {
                Meaning::CampusId => {}
                Meaning::Name => known.name.clone_from(&said.name),
                Meaning::Email => known.email.clone_from(&said.email),
                Meaning::Mobile => known.mobile.clone_from(&said.mobile),
                Meaning::WecomUserid => known.wecom_userid.clone_from(&said.wecom_userid),
                Meaning::WechatOpenid => known.wechat_openid.clone_from(&said.wechat_openid),
                Meaning::Language => known.language.clone_from(&said.language),
                Meaning::Department => known.department.clone_from(&said.department),
                Meaning::Attribute(name) => {
                    known.attributes.remove(name);
                }
            }
        }
        known.attributes.extend(said.attributes);
        if known.attributes.len() > MOST_ATTRIBUTES {
            let detail = format!(
                "with those the directory has already, these are more than {MOST_ATTRIBUTES} attributes"
            );
            return Err(Fault::new("", "too_many", detail));
        }
        Ok(known)
    }

    fn has(&self, meaning: &Meaning) -> bool {
        self.0.iter().any(|column| column.meaning.as_ref() == Some(meaning))
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !self.has(&Meaning::CampusId) {
            let named: Vec<_> = self
                .0
                .iter()
                .map(|it| it.header.as_str())
                .filter(|it| !it.is_empty())
                .take(MOST_NAMED)
                .collect();
            let hint = if named.len() == 1 && named[0].contains(['，', '；', '、']) {
                "separate columns by `,` and not by `，`"
            } else {
                "call the column of the campus ids `学号`, `工号` or `campus_id`, and delete what stands above the \
                 row with the columns' names"
            };
            let detail =
                format!("no column has the campus ids; the first row is `{}`: {hint}", named.join("`, `"));
            faults.push(Fault::new("", "no_campus_id", detail));
        }
        let mut attributes = 0;
        for (i, column) in self.0.iter().enumerate() {
            let Some(meaning) = &column.meaning else { continue };
            let at = || pointer(&column.header);
            if let Some(first) = self.0[..i].iter().find(|it| it.meaning.as_ref() == Some(meaning)) {
                let detail = format!(
                    "`{}` and `{}` both mean {meaning}: delete one of them, or rename what is something else",
                    first.header, column.header
                );
                faults.push(Fault::new(at(), "duplicate_column", detail));
            }
            if let Meaning::Attribute(name) = meaning {
                attributes += 1;
                if let Some((code, detail)) = headers::refused(name) {
                    faults.push(Fault::new(at(), code, detail));
                }
            }
        }
        if attributes > MOST_ATTRIBUTES {
            let detail = format!(
                "at most {MOST_ATTRIBUTES} columns besides the known ones; delete some of these {attributes}"
            );
            faults.push(Fault::new("", "too_many", detail));
        }
        faults
    }

    /// The faults of single cells, and those of the person as a whole in columns that have none yet.
    fn told(&self, cells_faults: Vec<(usize, Fault)>, faults: Vec<Fault>, cells: &[&str]) -> Vec<CellFault> {
        let mut told: Vec<(Option<usize>, Fault)> =
            cells_faults.into_iter().map(|(i, fault)| (Some(i), fault)).collect();
        for fault in faults {
            let column = self
                .0
                .iter()
                .position(|it| it.meaning.as_ref().is_some_and(|meaning| meaning.pointer() == fault.pointer));
            if column.is_none() || !told.iter().any(|(other, _)| *other == column) {
                told.push((column, fault));
            }
        }
        told.sort_by_key(|(column, _)| *column);
        told.into_iter()
            .map(|(column, fault)| CellFault {
                cell: column,
                column: column
                    .and_then(|i| self.0.get(i))
                    .map(|it| it.header.clone())
                    .filter(|it| !it.is_empty()),
                value: column.and_then(|i| cells.get(i)).map(|&cell| cell.to_owned()),
                fault: Fault { pointer: String::new(), ..fault },
            })
            .collect()
    }
}

fn nameless(column: usize) -> Fault {
    let detail = format!(
        "column {} has no name in the first row: name it, or put a text that holds the separator between quotation marks",
        letters(column)
    );
    Fault::new("", "no_header", detail)
}

/// What spreadsheets call a column: A to Z, AA to ZZ and so on.
fn letters(column: usize) -> String {
    let mut text = String::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        text.insert(0, char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    text
}

impl Meaning {
    const fn kind(&self) -> Kind {
        match self {
            Self::CampusId | Self::Mobile => Kind::Number,
            Self::Email | Self::WecomUserid | Self::WechatOpenid | Self::Language => Kind::Code,
            Self::Name | Self::Department | Self::Attribute(_) => Kind::Text,
        }
    }

    fn pointer(&self) -> String {
        match self {
            Self::Attribute(name) => format!("/attributes{}", pointer(name)),
            known => pointer(known.field()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{faults, pairs};
    use super::*;

    fn columns() -> Columns {
        Columns::read(&["学号", "姓名", "邮箱", "身份", "宿舍", ""]).unwrap()
    }

    fn told(row: Option<Row>) -> Vec<(String, String)> {
        let faults = row.unwrap().said.unwrap_err();
        faults.into_iter().map(|it| (it.column.unwrap_or_default(), it.fault.code.into_owned())).collect()
    }

    #[test]
    fn a_row_says_what_its_cells_say() {
        let row = columns().row(&["'2026001", " 王敏", "", "student", "３-201", "\u{a0}", ""]).unwrap();
        assert_eq!(row.campus_id.as_deref(), Some("2026001"));
        let said = row.said.unwrap();
        assert_eq!((said.name.as_str(), said.email), ("王敏", None));
        assert_eq!(
            serde_json::to_value(said.attributes).unwrap(),
            json!({"role": "student", "宿舍": "3-201"})
        );
        assert_eq!(columns().row(&["2026001", "王敏"]).unwrap().said.unwrap().department, None);
        for nothing in [&[][..], &[""], &[" ", "\u{3000}", "", "", "", "", ""]] {
            assert_eq!(columns().row(nothing), None);
        }
    }

    #[test]
    fn every_fault_of_a_row_is_told_once_and_in_order() {
        let long = "x".repeat(1_001);
        assert_eq!(
            told(columns().row(&["1 2", "", "x", "=A1", &long, "y", "z"])),
            pairs(&[
                ("学号", "bad_campus_id"),
                ("姓名", "required"),
                ("邮箱", "bad_address"),
                ("身份", "formula"),
                ("宿舍", "too_long"),
                ("", "no_header"),
                ("", "no_header"),
            ])
        );
        assert_eq!(told(columns().row(&["2E+09", "王敏"])), pairs(&[("学号", "lost_number")]));
    }

    #[test]
    fn whom_a_doubtful_row_is_about_is_not_guessed() {
        let about = |cells: &[&str]| columns().row(cells).unwrap().campus_id;
        assert_eq!(about(&["1", "", "no"]).as_deref(), Some("1"));
        for doubtful in [&["2E+09", "x"][..], &["", "x"], &["a b", "x"], &["1", "x", "", "", "", "", "moved"]]
        {
            assert_eq!(about(doubtful), None, "{doubtful:?}");
        }
    }

    #[test]
    fn what_has_no_column_is_kept_and_an_empty_cell_clears() {
        let known = json!({
            "name": "王敏", "email": "a@x.example", "mobile": "13812345678", "language": "en",
            "attributes": {"role": "student", "year": 1},
        });
        let known = RecipientInput::read("1", &known).unwrap();
        let columns = Columns::read(&["邮箱", "学号", "role", "宿舍"]).unwrap();
        let said = columns.row(&["", "1", "", "1-1"]).unwrap().said.unwrap();
        let merged = columns.merged(said.clone(), Some(known.clone())).unwrap();
        let expected = known.patched(&json!({"email": null, "attributes": {"role": null, "宿舍": "1-1"}}));
        assert_eq!(merged, expected.unwrap());
        assert_eq!(columns.merged(said, None).unwrap_err().code, "required");
    }

    #[test]
    fn columns_are_what_they_are_said_to_be() {
        let fields = ["attributes.id", "campus_id", "", "name"].map(str::to_owned);
        let columns = Columns::chosen(&["学号", "编号", "备注", ""], &fields).unwrap();
        let row = columns.row(&["x", "1", "=A1", "王敏"]).unwrap();
        let said = row.said.unwrap();
        assert_eq!((said.campus_id.as_str(), said.name.as_str()), ("1", "王敏"));
        assert_eq!(serde_json::to_value(said.attributes).unwrap(), json!({"id": "x"}));
        assert_eq!(columns.row(&["", "", "remarks alone", ""]), None);
        assert_eq!(columns.campus_ids(), Some(1));
        assert_eq!(faults(Columns::chosen(&["a"], &["name".to_owned()])), pairs(&[("", "no_campus_id")]));
        let twice = ["campus_id", "mobile", "mobile"].map(str::to_owned);
        assert_eq!(faults(Columns::chosen(&["a", "b", "c"], &twice)), pairs(&[("/c", "duplicate_column")]));
    }

    #[test]
    fn what_a_column_is_for_is_guessed_and_can_be_said() {
        for field in FIELDS {
            assert_eq!(guessed(field), field);
        }
        for (header, field) in [("手机号", "mobile"), ("宿舍", "attributes.宿舍"), ("", "")] {
            assert_eq!(guessed(header), field);
        }
        let header = ["学号", super::super::REASON[0]];
        assert_eq!(guessed(header[1]), "", "what an import wrote itself is passed over");
        let columns = Columns::read(&header).unwrap();
        assert!(columns.row(&["1", "手机号不对"]).unwrap().said.unwrap().attributes.is_empty());
        assert_eq!(columns.row(&["", "手机号不对"]), None);
    }

    #[test]
    fn what_is_wrong_with_the_first_row_is_told_at_its_header() {
        for (header, expected) in [
            (&["姓名"][..], &[("", "no_campus_id")][..]),
            (&["学号", "Mobile", "手机"], &[("/手机", "duplicate_column")]),
            (
                &["学号", "role", "身份", "a/b", "a/b"],
                &[("/身份", "duplicate_column"), ("/a~1b", "duplicate_column")],
            ),
            (&["学号", "Active"], &[("/Active", "reserved")]),
            (&["学号", "", ""], &[]),
        ] {
            match Columns::read(header) {
                Ok(_) => assert!(expected.is_empty(), "{header:?}"),
                refused => assert_eq!(faults(refused), pairs(expected), "{header:?}"),
            }
        }
        assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}

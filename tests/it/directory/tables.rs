//! The directory from CSV: what spreadsheets make of a list of people.

use belltower::Error;
use belltower::domain::channel::AddressKind;
use belltower::domain::recipient::{Columns, RecipientInput};
use belltower::service::recipients::{Format, Import, ImportOptions, ImportReport};
use belltower::service::{Services, recipients};
use belltower::store::{Db, audience, bindings};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{faults, pair, put, registry};
use crate::support::database::with_sqlite;
use crate::support::{on_both, services};

fn plain() -> ImportOptions {
    ImportOptions::default()
}

fn replacing() -> ImportOptions {
    ImportOptions { deactivate_missing: true, ..ImportOptions::default() }
}

/// Imports bytes in pieces of `size`.
async fn import_in(
    s: &Services,
    options: ImportOptions,
    file: &[u8],
    size: usize,
) -> Result<ImportReport, Error> {
    let mut import = Import::start(s, &registry(), Format::CSV, options)?;
    for piece in file.chunks(size) {
        import.feed(piece).await?;
    }
    import.finish().await
}

async fn import(s: &Services, options: ImportOptions, file: &str) -> ImportReport {
    import_in(s, options, file.as_bytes(), 1_000).await.unwrap()
}

/// Created, updated, unchanged, deactivated, rejected.
fn counts(report: &ImportReport) -> [u64; 5] {
    [report.created, report.updated, report.unchanged, report.deactivated, report.rejected_lines]
}

async fn person(s: &Services, campus_id: &str) -> RecipientInput {
    recipients::get(s, &registry(), campus_id).await.unwrap().person
}

async fn is_active(s: &Services, campus_id: &str) -> bool {
    recipients::get(s, &registry(), campus_id).await.unwrap().active
}

async fn active(s: &Services) -> i64 {
    let everyone = audience::ResolvedAudience { everyone: true, ..Default::default() };
    audience::count(&s.db, &everyone).await.unwrap()
}

fn whole(person: &RecipientInput) -> Value {
    serde_json::to_value(person).unwrap()
}

on_both!(a_table_is_read_as_spreadsheets_write_it, |db| async {
    let s = services(db);
    let file = "\u{feff}sep=;\r\n;;;;;;;;;;\r\n\
                学号（必填）;姓名;邮箱;手机号;院系;企业微信;微信;语言;身份;年 级;;\r\n\
                =\"2026001\";王敏;Wang@X.Example.edu;138-1234 5678;农学院;wangmin;o_1;中文;student;２０２６;;\r\n\
                ;;;;;;;;;;;\r\n\
                '2026002;\"张\n三\";\u{3000};\u{a0}+852 6123 4567;\"农;学院\";;;en\r\n\
                2026003;李伟;li＠x．example；;;;;;;;;;\r\n\
                ２０２６００４.0;赵四\r\n";
    for size in [1, 9, 10_000] {
        let report =
            import_in(&s, ImportOptions { dry_run: true, ..plain() }, file.as_bytes(), size).await.unwrap();
        assert_eq!(counts(&report), [2, 0, 0, 0, 2], "{size}");
    }
    let report = import(&s, plain(), file).await;
    let read_as = report.read_as.clone().unwrap();
    assert_eq!((read_as.charset, read_as.separator), ("UTF-8", ';'));
    let fields: Vec<_> = read_as.columns.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "campus_id",
            "name",
            "email",
            "mobile",
            "department",
            "wecom_userid",
            "wechat_openid",
            "language",
            "attributes.role",
            "attributes.年 级"
        ]
    );
    let rejected: Vec<_> = report
        .rejected
        .iter()
        .map(|it| (it.line, it.column.as_deref(), &*it.code, it.value.as_deref()))
        .collect();
    assert_eq!(
        rejected,
        [
            (6, Some("姓名"), "control_character", Some("张\n三")),
            (8, Some("邮箱"), "bad_address", Some("li＠x．example；")),
        ],
        "line breaks within quotation marks are counted"
    );
    assert_eq!(
        whole(&person(&s, "2026001").await),
        json!({
            "campus_id": "2026001", "name": "王敏", "email": "Wang@x.example.edu", "mobile": "+8613812345678",
            "wecom_userid": "wangmin", "wechat_openid": "o_1", "language": "zh-CN", "department": "农学院",
            "attributes": {"role": "student", "年 级": "2026"},
        })
    );
    assert_eq!(person(&s, "2026004").await.name, "赵四");
    assert_eq!(counts(&import(&s, plain(), file).await), [0, 0, 2, 0, 2], "again it changes nothing");
});

on_both!(all_faults_of_a_row_are_told_by_the_files_headers, |db| async {
    let s = services(db);
    let long = "x".repeat(500);
    let file = format!(
        "工号,姓名,电子邮箱,手机,宿舍\n\
         ,,no,1.38E+10,=A1\n\
         T 1,王敏,,110,{}\n\
         2.023E+09,王敏,{long},,#N/A\n\
         T4,王\u{fffd},,,,多\n\
         T5,{},,,\n\
         T6,王敏,,,\n\
         T6,王敏,,,\n",
        "y".repeat(1_001),
        "\"".to_owned() + &"z".repeat(70_000) + "\""
    );
    let report = import_in(&s, plain(), file.as_bytes(), 777).await.unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 0, 6]);
    let rejected: Vec<_> =
        report.rejected.iter().map(|it| (it.line, it.column.as_deref().unwrap_or("-"), &*it.code)).collect();
    assert_eq!(
        rejected,
        [
            (2, "工号", "required"),
            (2, "姓名", "required"),
            (2, "电子邮箱", "bad_address"),
            (2, "手机", "lost_number"),
            (2, "宿舍", "formula"),
            (3, "工号", "bad_campus_id"),
            (3, "手机", "bad_address"),
            (3, "宿舍", "too_long"),
            (4, "工号", "lost_number"),
            (4, "电子邮箱", "bad_address"),
            (4, "宿舍", "no_value"),
            (5, "姓名", "encoding"),
            (5, "-", "no_header"),
            (6, "-", "too_long"),
            (8, "工号", "duplicate"),
        ]
    );
    assert_eq!(report.rejected[9].value.as_deref(), Some(&*"x".repeat(200)));
    assert!(report.rejected[12].detail.contains("column F"), "{:?}", report.rejected[12]);
    assert!(report.rejected[14].detail.contains("line 7"), "{:?}", report.rejected[14]);
});

on_both!(a_row_changes_what_the_file_has_columns_for, |db| async {
    let s = services(db);
    let li = json!({
        "name": "李伟", "email": "li@x.example", "mobile": "13812345678", "department": "农学院", "language": "en",
        "attributes": {"role": "student", "year": 2024, "dorm": "3-201"},
    });
    put(&s, "1", li).await;
    put(&s, "2", json!({"name": "王敏", "mobile": "13812345679"})).await;
    let report = import(&s, plain(), "学号,手机,dorm\n1,13912345678,\n2,,\n3,13712345678,1-1\n").await;
    assert_eq!(counts(&report), [0, 2, 0, 0, 1]);
    assert_eq!(
        whole(&person(&s, "1").await),
        json!({
            "campus_id": "1", "name": "李伟", "email": "li@x.example", "mobile": "+8613912345678",
            "department": "农学院", "language": "en", "wecom_userid": null, "wechat_openid": null,
            "attributes": {"role": "student", "year": 2024},
        }),
        "an empty cell clears, and what has no column is kept"
    );
    assert_eq!(person(&s, "2").await.mobile, None);
    let told = &report.rejected[0];
    assert_eq!((told.line, told.column.as_deref(), &*told.code), (4, None, "required"));
    assert!(told.detail.contains("姓名"), "{}", told.detail);
    let report = import(&s, plain(), "学号,姓名\n1,\n").await;
    assert_eq!((report.rejected[0].column.as_deref(), &*report.rejected[0].code), (Some("姓名"), "required"));

    let many = (0..64).map(|n| format!("a{n}")).collect::<Vec<_>>().join(",");
    let report = import(&s, plain(), &format!("学号,{many}\n1{}\n", ",x".repeat(64))).await;
    assert_eq!((counts(&report), &*report.rejected[0].code), ([0, 0, 0, 0, 1], "too_many"));
});

on_both!(a_file_whose_columns_nobody_understands_is_refused, |db| async {
    let s = services(db);
    put(&s, "gone", json!({"name": "x"})).await;
    for (file, expected) in [
        ("", &[("", "no_header")][..]),
        ("\r\n,,\n", &[("", "no_header")]),
        ("2026级学生名单,,\n学号,姓名,手机\n1,王敏,\n", &[("/1", "no_campus_id")]),
        ("姓名,手机\n王敏,13812345678\n", &[("/1", "no_campus_id")]),
        ("学号，姓名，手机\n1，王敏，\n", &[("/1", "no_campus_id")]),
        ("\n学号,工号,姓名\n1,1,王敏\n", &[("/2/工号", "duplicate_column")]),
        ("学号,姓名,Dorm,Dorm,active\n", &[("/1/Dorm", "duplicate_column"), ("/1/active", "reserved")]),
        ("学号,attributes.department\n", &[("/1/attributes.department", "reserved")]),
        ("PK\u{3}\u{4}\u{14}\0", &[("", "workbook")]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(at, code)| pair(at, code)).collect();
        for size in [2, 1_000] {
            assert_eq!(faults(import_in(&s, replacing(), file.as_bytes(), size).await), expected, "{file:?}");
        }
    }
    let long = format!("学号,{}\n", "长".repeat(65));
    assert_eq!(faults(import_in(&s, plain(), long.as_bytes(), 99).await)[0].1, "bad_name");
    let wide = format!("学号{}\n", (0..65).map(|n| format!(",a{n}")).collect::<String>());
    assert_eq!(faults(import_in(&s, plain(), wide.as_bytes(), 99).await), [pair("/1", "too_many")]);
    assert!(is_active(&s, "gone").await);
});

on_both!(nobody_is_deactivated_by_a_row_that_cannot_be_read, |db| async {
    let s = services(db);
    import(&s, plain(), "学号,姓名\n1,甲\n2,乙\n3,丙\n4,丁\n").await;
    for (doubtful, line) in [
        ("2.023E+09,x\n", 3),
        (",x\n", 3),
        ("a b,x\n", 3),
        ("3,x,moved\n", 3),
        ("\u{fffd},x\n", 3),
        ("\n\"3,x\n4,y\n", 4),
    ] {
        let report = import(&s, replacing(), &format!("学号,姓名\n1,甲\n{doubtful}")).await;
        assert_eq!(counts(&report), [0, 0, 1, 0, 1], "{doubtful}");
        let told = report.not_deactivated.unwrap();
        assert!(told.contains(&format!("on line {line};")), "{told}");
    }
    let nothing = import_in(&s, replacing(), "学号,姓名\n1,\n".as_bytes(), 99).await;
    assert_eq!(faults(nothing)[..2], [pair("", "nothing_valid"), pair("/2/姓名", "required")]);
    assert_eq!(active(&s).await, 4);

    let report = import(&s, replacing(), "学号,姓名,手机\n1,甲,\n2,乙,110\n").await;
    assert_eq!((counts(&report), report.not_deactivated), ([0, 0, 1, 2, 1], None));
    assert!(is_active(&s, "2").await, "a person whose row is wrong is not missing");
    assert!(!is_active(&s, "3").await);
    assert_eq!(counts(&import(&s, plain(), "学号,手机\n3,13812345678\n").await), [0, 1, 0, 0, 0]);
    assert!(is_active(&s, "3").await, "and comes back, with the name the directory kept");
});

on_both!(a_dry_run_of_a_table_says_the_same_and_keeps_nothing, |db| async {
    let s = services(db);
    put(&s, "p3", json!({"name": "人员3"})).await;
    put(&s, "gone", json!({"name": "x"})).await;
    let mut file = "学号,手机,姓名,年级\n".to_owned();
    file.extend((1..=2_300).map(|n| format!("p{n},1381234{n:04},人员{n},{n}\n")));
    file.push_str("p7,,又,\n");
    let dry = import(&s, ImportOptions { dry_run: true, ..replacing() }, &file).await;
    assert_eq!(counts(&dry), [2_299, 1, 0, 1, 1]);
    assert_eq!(active(&s).await, 2);
    let wet = import(&s, replacing(), &file).await;
    assert_eq!(wet, ImportReport { dry_run: false, ..dry });
    assert_eq!(active(&s).await, 2_300);
    assert_eq!(person(&s, "p7").await.name, "人员7", "the first of two rows is kept");
});

on_both!(a_table_that_breaks_off_keeps_its_whole_rows, |db| async {
    let s = services(db);
    put(&s, "gone", json!({"name": "x"})).await;
    let mut import = Import::start(&s, &registry(), Format::CSV, replacing()).unwrap();
    import.feed("学号,姓名,手机\n1,甲,13812345678\n2,乙,13812345".as_bytes()).await.unwrap();
    let report = import.interrupt().await.unwrap();
    assert_eq!((counts(&report), report.complete), ([1, 0, 0, 0, 0], false), "half a row is no row");
    assert!(is_active(&s, "gone").await);
    let empty = Import::start(&s, &registry(), Format::CSV, replacing()).unwrap();
    assert_eq!(counts(&empty.interrupt().await.unwrap()), [0; 5]);
});

const IMPORTS: &str = include_str!("../../../docs/IMPORTS.md");

on_both!(the_example_in_the_docs_works, |db| async {
    let s = services(db);
    let (_, example) = IMPORTS.split_once("```csv\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    assert_eq!(counts(&import(&s, plain(), example).await), [2, 0, 0, 0, 0]);
    assert_eq!(person(&s, "2026010101").await.attributes["宿舍"], "北苑, 1栋");
});

#[test]
fn the_headers_in_the_docs_mean_what_they_say() {
    let mut headers = 0;
    for row in IMPORTS.lines().filter(|line| line.starts_with("| `")) {
        let (field, all) = row.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        for header in all.split(';').next().unwrap().split(", ") {
            let row = ["学号", header];
            let from = usize::from(field == "`campus_id`");
            let columns = Columns::read(&row[from..]).unwrap();
            let meaning = columns.meanings().last().unwrap().1;
            assert_eq!(format!("`{meaning}`"), field, "{header}");
            headers += 1;
        }
    }
    assert!(headers > 60, "{headers}");
}

/// A person's cells, which a spreadsheet would not take for anything else.
fn people() -> impl Strategy<Value = Vec<(String, String, String)>> {
    let text = "[a-z\u{4e00}-\u{9fa5}]([a-z \u{4e00}-\u{9fa5},;\"'，。=]{0,12}[a-z\u{4e00}-\u{9fa5}])?";
    let line = "([a-z\u{4e00}-\u{9fa5}]([a-z \u{4e00}-\u{9fa5},;\"\n\t=]{0,12}[a-z\u{4e00}-\u{9fa5}])?)?";
    prop::collection::btree_map("[A-Za-z0-9_-]{0,6}[a-z]", (text, line), 1..20)
        .prop_map(|people| people.into_iter().map(|(id, (name, note))| (id, name, note)).collect())
}

#[test]
fn who_is_written_by_the_csv_crate_comes_back() {
    with_sqlite(|url| async move {
        let s = services(Db::open(&url).await.unwrap());
        let mut runner = TestRunner::deterministic();
        for case in 0..60 {
            let people = people().new_tree(&mut runner).unwrap().current();
            let separator = [b',', b';', b'\t'][case % 3];
            let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
            writer.write_record(["note", "campus_id", "Name"]).unwrap();
            for (id, name, note) in &people {
                writer.write_record([note, id, name]).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let file = match case % 2 {
                0 => text.into_bytes(),
                _ => encoding_rs::GB18030.encode(&text).0.into_owned(),
            };
            let report = import_in(&s, plain(), &file, case + 1).await.unwrap();
            assert_eq!(report.rejected, [], "{people:?}");
            for (id, name, note) in people {
                let kept = person(&s, &id).await;
                let told = kept.attributes.get("note").map_or("", |note| note.as_str().unwrap());
                assert_eq!((kept.name, told), (name, note.as_str()));
            }
        }
    });
}

#[test]
fn no_bytes_are_too_odd_to_be_answered() {
    with_sqlite(|url| async move {
        let s = services(Db::open(&url).await.unwrap());
        let mut runner = TestRunner::deterministic();
        let odd = prop::collection::vec(
            prop_oneof![
                Just(b"\"".to_vec()),
                Just(b",".to_vec()),
                Just(b"\r\n".to_vec()),
                Just("学号".as_bytes().to_vec()),
                Just(b"campus_id,name\n".to_vec()),
                Just(b"=\"".to_vec()),
                Just(b"1.3E+10".to_vec()),
                prop::collection::vec(any::<u8>(), 1..8),
            ],
            0..40,
        );
        for case in 0..200 {
            let bytes = odd.new_tree(&mut runner).unwrap().current().concat();
            let file = if case % 2 == 0 { [b"campus_id,name,x\n", bytes.as_slice()].concat() } else { bytes };
            match import_in(&s, ImportOptions { dry_run: true, ..plain() }, &file, case + 1).await {
                Ok(report) => assert!(report.complete),
                Err(Error::Invalid(faults)) => assert!(!faults.is_empty()),
                Err(other) => panic!("{other}: {file:?}"),
            }
        }
    });
}

on_both!(no_file_undoes_what_somebody_bound_themself, |db| async {
    let s = services(Db::clone(&db));
    import(&s, plain(), "学号,姓名,openid\n1,李伟,o-old\n").await;
    let li = recipients::get(&s, &registry(), "1").await.unwrap().id;
    let mut tx = s.db.begin().await.unwrap();
    bindings::bind(&mut tx, li, AddressKind::WechatOpenid, "o-own", s.clock.now(), s.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let kept = async || {
        let bound = recipients::bound(&s, &registry(), li).await.unwrap();
        (person(&s, "1").await.wechat_openid.unwrap_or_default(), bound.len())
    };
    for file in [
        "学号,姓名,openid\n1,李伟,\n",
        "学号,姓名,openid\n1,李伟,o-old\n",
        "学号,姓名\n1,李大伟\n",
        "学号,手机\n1,\n",
    ] {
        import(&s, replacing(), file).await;
        assert_eq!(kept().await, ("o-own".to_owned(), 1), "{file}");
    }
    assert_eq!(person(&s, "1").await.name, "李大伟", "all else is as the file says");
    put(&s, "1", json!({ "name": "李伟" })).await;
    assert_eq!(kept().await, ("o-own".to_owned(), 1));
    let patch = json!({ "wechat_openid": "o-hand" });
    recipients::patch(&s, &registry(), "1", &patch).await.unwrap();
    assert_eq!(kept().await, ("o-hand".to_owned(), 0));
});

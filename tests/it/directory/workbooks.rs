//! People out of workbooks, also out of such as nobody makes by mistake.

use belltower::Error;
use belltower::service::Services;
use belltower::service::recipients::{ImportOptions, ImportReport, import_workbook};
use bytes::Bytes;
use futures_util::stream;
use rust_xlsxwriter::{Format, Workbook};
use serde_json::json;

use super::{faults, registry};
use crate::support::folder::TempFolder;
use crate::support::{on_both, services};

async fn import(s: &Services, sheet: Option<&str>, file: Vec<u8>) -> Result<ImportReport, Error> {
    let pieces: Vec<_> = file.chunks(1_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    import_workbook(s, &registry(), sheet, ImportOptions::default(), stream::iter(pieces)).await
}

fn over(db: belltower::store::Db, folder: &TempFolder) -> Services {
    let mut s = services(db);
    s.uploads = Some(folder.path().join("uploads").into());
    s
}

on_both!(a_sheet_is_read_as_a_table_is, |db| async {
    let folder = TempFolder::new();
    let s = over(db, &folder);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("人员").unwrap();
    for (c, header) in ["学号", "姓名", "手机", "生日", "在校", "备注", "身份证"].iter().enumerate()
    {
        sheet.write(1, c as u16, *header).unwrap();
    }
    let date = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    sheet.write(2, 0, 2_026_010_101_f64).unwrap().write(2, 1, " 王敏 ").unwrap();
    sheet.write(2, 2, 13_812_345_678_f64).unwrap();
    sheet.write_number_with_format(2, 3, 39_000.5, &date).unwrap();
    sheet.write(2, 4, true).unwrap().write(2, 5, "两\n行, \"引号\"").unwrap();
    sheet.write(9, 0, "2026010102").unwrap().write(9, 1, "李雷").unwrap();
    sheet.write_formula(9, 5, "=1+1").unwrap().write(9, 6, 330_106_199_001_011_234_f64).unwrap();
    book.add_worksheet().set_name("空").unwrap();
    let file = book.save_to_buffer().unwrap();

    let report = import(&s, None, file.clone()).await.unwrap();
    assert_eq!((report.created, report.rejected_lines), (1, 1), "{report:?}");
    let told: Vec<_> = report.rejected.iter().map(|it| (it.line, it.column.as_deref(), &*it.code)).collect();
    assert_eq!(
        told,
        [(10, Some("备注"), "formula"), (10, Some("身份证"), "lost_number")],
        "rows of the sheet"
    );
    let read_as = report.read_as.unwrap();
    assert_eq!(read_as.sheet.as_deref(), Some("人员"));
    let wang = belltower::service::recipients::get(&s, &registry(), "2026010101").await.unwrap().person;
    assert_eq!((wang.name.as_str(), wang.mobile.as_deref()), ("王敏", Some("+8613812345678")));
    let attributes = json!({"生日": "2006-10-10 12:00", "在校": "true", "备注": "两 行, \"引号\""});
    assert_eq!(serde_json::to_value(wang.attributes).unwrap(), attributes);

    assert_eq!(faults(import(&s, Some("空"), file.clone()).await)[0].1, "no_header");
    assert_eq!(faults(import(&s, Some("没有"), file).await)[0].1, "unknown_sheet");
    let folder = s.uploads.clone().unwrap();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "nothing waits");
    s.db.close().await;
});

fn of(make: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "学号").unwrap().write(0, 1, "姓名").unwrap();
    make(sheet);
    book.save_to_buffer().unwrap()
}

on_both!(hostile_workbooks_are_refused, |db| async {
    let folder = TempFolder::new();
    let s = over(db, &folder);
    let wide = of(|sheet| drop(sheet.write(1, 16_383, "x").map(|_| ())));
    assert_eq!(faults(import(&s, None, wide).await)[0].1, "too_many_columns");
    // A format alone fills nothing in.
    let bold = Format::new().set_bold();
    let formatted = of(|sheet| {
        sheet.write_blank(1, 16_383, &bold).unwrap().write(1, 0, "1").unwrap().write(1, 1, "x").unwrap();
    });
    assert_eq!(import(&s, None, formatted).await.unwrap().created, 1);
    let last = of(|sheet| drop(sheet.write(1_048_575, 0, "2").unwrap().write(1_048_575, 1, "y").map(|_| ())));
    assert_eq!(import(&s, None, last).await.unwrap().created, 1, "on the last row there is");

    let small = of(|sheet| drop(sheet.write(1, 0, "3").unwrap().write(1, 1, "z").map(|_| ())));
    for (name, file) in [
        ("nothing", Vec::new()),
        ("no archive", b"PK\x03\x04 and so on".to_vec()),
        ("half", small[..small.len() / 2].to_vec()),
        ("no beginning", small[small.len() / 2..].to_vec()),
    ] {
        assert_eq!(faults(import(&s, None, file).await)[0].1, "broken_workbook", "{name}");
    }
    // Whatever is changed in it, it is read or refused.
    for at in (0..small.len()).step_by(97) {
        let mut bent = small.clone();
        bent[at] ^= 0x55;
        if let Err(error) = import(&s, None, bent).await {
            assert!(matches!(error, Error::Invalid(_)), "{at}: {error}");
        }
    }
    s.db.close().await;
});

/// A count of texts that are not there would have the reader make room for them.
#[tokio::test]
async fn a_workbook_that_counts_more_than_it_has_is_refused() {
    let folder = TempFolder::new();
    let url = format!("sqlite://{}", folder.path().join("bell.db").display());
    let s = over(belltower::store::Db::open(&url).await.unwrap(), &folder);
    let texts = br#"<sst xmlns="x" count="1" uniqueCount="99999999999999"><si><t>a</t></si></sst>"#;
    let file = stored(&[("xl/sharedStrings.xml", texts), ("xl/workbook.xml", b"<workbook/>")]);
    assert_eq!(faults(import(&s, None, file).await)[0].1, "broken_workbook");
    s.db.close().await;
}

/// The reader keeps a copy of what a look is made of for each look, and makes room for each text.
#[tokio::test]
async fn a_workbook_that_grows_in_memory_is_refused() {
    let folder = TempFolder::new();
    let url = format!("sqlite://{}", folder.path().join("bell.db").display());
    let s = over(belltower::store::Db::open(&url).await.unwrap(), &folder);
    let styles = |code: usize, looks: usize| {
        let code = "0".repeat(code);
        let looks = r#"<xf numFmtId="200"/>"#.repeat(looks);
        format!(
            r#"<styleSheet><numFmts><numFmt numFmtId="200" formatCode="{code}"/></numFmts><cellXfs>{looks}</cellXfs></styleSheet>"#
        )
    };
    for (code, looks) in [(1_025, 1), (1, 65_491)] {
        let file =
            stored(&[("xl/styles.xml", styles(code, looks).as_bytes()), ("xl/workbook.xml", b"<workbook/>")]);
        assert_eq!(faults(import(&s, None, file).await)[0].1, "workbook_too_large", "{code} by {looks}");
    }
    let many = format!("<sst>{}</sst>", "<si/>".repeat(4_000_001));
    let file = stored(&[("xl/sharedStrings.xml", many.as_bytes()), ("xl/workbook.xml", b"<workbook/>")]);
    assert_eq!(faults(import(&s, None, file).await)[0].1, "workbook_too_large");
    // Said at a distance, and more than its bytes could hold.
    for said in [format!("uniqueCount{}=\"999999999\"", " ".repeat(80)), "uniqueCount='40'".to_owned()] {
        let texts = format!("<sst {said}><si><t>a</t></si></sst>");
        let file = stored(&[("xl/sharedStrings.xml", texts.as_bytes()), ("xl/workbook.xml", b"<workbook/>")]);
        assert_eq!(faults(import(&s, None, file).await)[0].1, "broken_workbook", "{said}");
    }
    s.db.close().await;
}

/// An archive of plain entries.
fn stored(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut list) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let at = file.len() as u32;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend([0, 0]);
        file.extend(name.as_bytes());
        file.extend(*content);
        list.extend(b"PK\x01\x02\x14\0");
        list.extend(&common);
        list.extend([0; 12]);
        list.extend(at.to_le_bytes());
        list.extend(name.as_bytes());
    }
    let (start, size) = (file.len() as u32, list.len() as u32);
    file.extend(list);
    file.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        file.extend((entries.len() as u16).to_le_bytes());
    }
    file.extend(size.to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::clock::Timestamp;

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// An alert with every element.
fn full() -> Alert {
    let named = |name: &str, value: &str| Named { name: name.into(), value: value.into() };
    let area = Area {
        description: "东区 <图书馆> & 操场".into(),
        polygons: vec![Polygon("30.1,120.1 30.2,120.1 30.2,120.2 30.10,120.1".into())],
        circles: vec![Circle("30.1,120.1 0.5".into())],
        geocodes: vec![named("CAMPUS", "E-01")],
        altitude: Some(decimal("100")),
        ceiling: Some(decimal("250.50")),
    };
    let resource = Resource {
        description: "疏散路线".into(),
        mime_type: "image/png".into(),
        size: Some(2048),
        uri: Some("map.png".into()),
        deref_uri: Some("iVBORw0KGgo=".into()),
        digest: Some("da39a3ee5e6b4b0d3255bfef95601890afd80709".into()),
    };
    let info = Info {
        language: Some("zh-CN".into()),
        categories: vec![Category::Fire, Category::Safety],
        event: "火灾".into(),
        response_types: vec![ResponseType::Evacuate, ResponseType::Avoid],
        urgency: Urgency::Immediate,
        severity: EventSeverity::Extreme,
        certainty: Certainty::Observed,
        audience: Some("全校师生".into()),
        event_codes: vec![named("CAMPUS", "FI")],
        effective: Some(moment("2026-11-28T19:25:00+08:00")),
        onset: Some(moment("2026-11-28T19:20:00+08:00")),
        expires: Some(moment("2026-11-28T21:25:00+08:00")),
        sender_name: Some("钟楼大学保卫处".into()),
        headline: Some("图书馆火灾，请立即撤离".into()),
        description: Some("  三层起火。\r\n\r\n请走 <东门> & 西门。\t".into()),
        instruction: Some("听从指挥 ]]> \u{1f525}".into()),
        web: Some("https://tower.campus.example/e/1?a=b&c=d".into()),
        contact: Some(String::new()),
        parameters: vec![named("level", "red"), named("level", "")],
        resources: vec![resource],
        areas: vec![area],
    };
    Alert {
        identifier: "campus-2026-0001".into(),
        sender: "tower.campus.example".into(),
        sent: moment("2026-11-28T19:25:00+08:00"),
        status: Status::Actual,
        msg_type: MsgType::Update,
        source: Some("值班室".into()),
        scope: Scope::Restricted,
        restriction: Some("本校".into()),
        addresses: Some("a@campus.example \"李 娜\"".into()),
        codes: vec!["校内紧急通知".into(), "x".into()],
        note: Some("更新".into()),
        references: vec![Reference {
            sender: "tower.campus.example".into(),
            identifier: "campus-2026-0000".into(),
            sent: moment("2026-11-28T11:20:00-00:00"),
        }],
        incidents: Some("fire-1".into()),
        infos: vec![info.clone(), Info { language: Some("en".into()), ..info }],
    }
}

/// The document of [`full`] with one piece of it replaced.
fn damaged(piece: &str, by: &str) -> Result<Alert, Vec<Fault>> {
    let document = write(&full());
    assert!(document.contains(piece), "{piece} is not in it");
    read(document.replacen(piece, by, 1).as_bytes())
}

fn found(faults: &[Fault]) -> Vec<(&str, &str)> {
    faults.iter().map(|fault| (&*fault.at, fault.code)).collect()
}

#[test]
fn what_is_written_is_read() {
    let alert = full();
    assert_eq!(check(&alert), []);
    assert_eq!(read(write(&alert).as_bytes()), Ok(alert));
}

#[test]
fn characters_that_xml_does_not_have_are_left_out() {
    let mut alert = full();
    alert.note = Some("a\0b\u{8}c\u{ffff}d\u{b}e\u{7f}\u{85}".into());
    let again = read(write(&alert).as_bytes()).unwrap();
    assert_eq!(again.note.as_deref(), Some("abcde\u{7f}\u{85}"));
}

#[test]
fn moments_keep_their_offset_and_have_no_z() {
    for text in ["2026-11-28T19:25:00+08:00", "2024-02-29T00:00:00-03:30", "0001-01-03T00:00:00+14:00"] {
        assert_eq!(moment(text).to_string(), text);
    }
    assert_eq!(moment("2026-11-28T19:25:00+00:00").to_string(), "2026-11-28T19:25:00-00:00");
    assert_eq!(moment("2026-11-28T19:25:00+08:00").at(), moment("2026-11-28T11:25:00-00:00").at());
    assert!(moment("2026-11-28T19:25:00-01:00").is_after(moment("2026-11-28T19:25:00+01:00")));
    for text in [
        "2026-11-28T19:25:00Z",
        "2026-11-28T19:25:00",
        "2026-11-28T19:25:00.5+08:00",
        "2026-11-28 19:25:00+08:00",
        "2026-11-28T19:25+08:00",
        "2026-02-29T19:25:00+08:00",
        "2026-11-28T24:00:00+08:00",
        "2026-11-28T19:60:00+08:00",
        "2026-11-28T19:25:60+08:00",
        "2026-11-28T19:25:00+08:60",
        "2026-11-28T19:25:00+14:01",
        "2026-11-28T19:25:00,08:00",
        "2026-13-28T19:25:00+08:00",
        "0000-11-28T19:25:00+08:00",
        "-026-11-28T19:25:00+08:00",
        "９026-11-28T19:25:00",
        "",
    ] {
        assert_eq!(Moment::parse(text), None, "{text}");
    }
}

#[test]
fn moments_are_made_of_the_clock() {
    let at = Timestamp(1_790_000_000_999);
    assert_eq!(Moment::new(at, 480).at(), Timestamp(1_790_000_000_000));
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    assert_eq!(Moment::in_zone(at, &zone), Moment::new(at, 480));
    assert_eq!(Moment::in_zone(at, &zone).offset_minutes(), 480);
    assert_eq!(Moment::new(Timestamp(-1), 0).to_string(), "1969-12-31T23:59:59-00:00");
    for (at, offset) in [(Timestamp(i64::MIN), i16::MIN), (Timestamp::NEVER, i16::MAX), (Timestamp(0), -840)]
    {
        let clamped = Moment::new(at, offset);
        assert_eq!(moment(&clamped.to_string()), clamped);
    }
    assert!(Moment::new(at.plus(Duration::from_secs(1)), 0).is_after(Moment::new(at, 840)));
}

#[test]
fn numbers_keep_their_digits() {
    for text in ["0", "-12.50", "+.5", "5.", "007"] {
        assert_eq!(decimal(text).to_string(), text);
    }
    for text in ["", ".", "-", "1e3", "1,5", "1.2.3", "--1", "NaN", "inf", " 1", "٣"] {
        assert_eq!(Decimal::parse(text), None, "{text}");
    }
    assert!(decimal("12.50").is_same(&decimal("+012.5")) && decimal("-0").is_same(&decimal("0.0")));
    assert!(!decimal("12.5").is_same(&decimal("-12.5")) && !decimal("1").is_same(&decimal("10")));
}

#[test]
fn every_fault_is_found_and_says_where() {
    let document = "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>lost
        <sender>s</sender><identifier id='1'>i</identifier><sent>yesterday</sent>
        <status>actual</status><msgType>Alert</msgType><scope>Public</scope><scope>Secret</scope>
        <references>a,b</references>
        <info><category>Met</category><category>met</category><urgency>Past</urgency><severity/>
            <event>e</event>
            <certainty>Likely<b/></certainty><expires>2026-11-28T19:25:00Z</expires><colour>red</colour>
            <parameter><value>v</value></parameter>
            <resource><mimeType>text/plain</mimeType><size>big</size></resource>
            <area><areaDesc>a</areaDesc><altitude>high</altitude></area>
            <area xmlns='urn:x'/>
        </info>
        <info/>
        </alert>";
    let faults = read(document.as_bytes()).unwrap_err();
    assert_eq!(
        found(&faults),
        [
            ("/alert", "text"),
            ("/alert/identifier", "order"),
            ("/alert/scope[2]", "twice"),
            ("/alert/identifier", "attribute"),
            ("/alert/sent", "time"),
            ("/alert/status", "word"),
            ("/alert/scope[2]", "word"),
            ("/alert/references", "reference"),
            ("/alert/info[1]/event", "order"),
            ("/alert/info[1]/colour", "unknown_element"),
            ("/alert/info[1]/area", "namespace"),
            ("/alert/info[1]/category[2]", "word"),
            ("/alert/info[1]/severity", "word"),
            ("/alert/info[1]/certainty", "text_only"),
            ("/alert/info[1]/expires", "time"),
            ("/alert/info[1]/parameter[1]/valueName", "missing"),
            ("/alert/info[1]/resource[1]/resourceDesc", "missing"),
            ("/alert/info[1]/resource[1]/size", "number"),
            ("/alert/info[1]/area[1]/altitude", "number"),
            ("/alert/info[2]/category", "missing"),
            ("/alert/info[2]/event", "missing"),
            ("/alert/info[2]/urgency", "missing"),
            ("/alert/info[2]/severity", "missing"),
            ("/alert/info[2]/certainty", "missing"),
        ]
    );
    assert!(faults.iter().all(|fault| fault.is_error() && !fault.detail.is_empty()));
}

#[test]
fn many_faults_are_counted() {
    let document = write(&full()).replacen("<info>", &"<colour/>".repeat(250), 1);
    assert_eq!(read(document.as_bytes()).unwrap_err().len(), 1, "no longer sound");
    let document = write(&full()).replacen("<info>", &("<info>".to_owned() + &"<colour/>".repeat(250)), 1);
    let faults = read(document.as_bytes()).unwrap_err();
    assert_eq!(faults.len(), MAX_FAULTS + 1);
    let last = faults.last().unwrap();
    assert_eq!((last.code, &*last.detail), ("more", "mend these first: there are 150 more"));

    let mut alert = full();
    alert.infos = vec![Info { web: Some("x".into()), ..alert.infos.remove(0) }; 150];
    assert!(check(&alert).iter().all(|fault| !fault.is_error()), "warnings do not add up to an error");
    assert!(read(write(&alert).as_bytes()).is_ok());
    alert.infos[149].areas[0].circles[0] = Circle("here".into());
    assert!(read(write(&alert).as_bytes()).unwrap_err().iter().any(Fault::is_error));
}

#[test]
fn what_is_not_sound_xml_is_refused_as_a_whole() {
    let deep = "<a>".repeat(MAX_DEPTH + 1) + &"</a>".repeat(MAX_DEPTH + 1);
    let wide = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
    let attributes = format!("<a {}/>", (0..65).map(|i| format!("a{i}='' ")).collect::<String>());
    let long = format!("<a>{}</a>", " ".repeat(MAX_BYTES));
    let cases: [(&str, &str); 35] = [
        ("", "malformed"),
        ("words", "malformed"),
        ("<a>", "malformed"),
        ("<a></b>", "malformed"),
        ("<a/><b/>", "malformed"),
        ("<a/>words", "malformed"),
        ("<a/>&amp;", "malformed"),
        ("<a/><![CDATA[ ]]>", "malformed"),
        ("<a>&#0;</a>", "malformed"),
        ("<a>&#xFFFE;</a>", "malformed"),
        ("<a>\u{1}</a>", "malformed"),
        ("<a>]]></a>", "malformed"),
        ("<a>a & b</a>", "malformed"),
        ("<a><!-- -- --></a>", "malformed"),
        ("<a b='1' b='2'/>", "malformed"),
        ("<a b='<'/>", "malformed"),
        ("<a b='&'/>", "malformed"),
        ("<a b='&#1;'/>", "malformed"),
        ("<a b/>", "malformed"),
        ("<1/>", "malformed"),
        ("<a:b:c xmlns:a='urn:x'/>", "malformed"),
        ("<a xmlns:b=''/>", "malformed"),
        (" <?xml version='1.0'?><a/>", "malformed"),
        ("<?xml version='1.1'?><a/>", "malformed"),
        ("<b:a/>", "namespace"),
        ("<a b:c=''/>", "namespace"),
        ("<a>&b;</a>", "entity"),
        ("<a b='&b;'/>", "entity"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "doctype"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>", "encoding"),
        ("<?xml version='1.0' encoding='GB18030'?><a>钟</a>", "encoding"),
        (&deep, "too_deep"),
        (&wide, "too_many"),
        (&attributes, "too_many"),
        (&long, "too_large"),
    ];
    for (document, code) in cases {
        let faults = read(document.as_bytes()).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [code], "{document:.80}");
    }
    assert_eq!(read(b"<a>\xff</a>").unwrap_err()[0].code, "encoding");
    assert_eq!(read("<a>\n<b>\n&c;".as_bytes()).unwrap_err()[0].to_string().get(..12), Some("/a/b: line 3"));
}

#[test]
fn other_documents_are_no_alerts() {
    for (document, code, at) in [
        ("<feed xmlns='http://www.w3.org/2005/Atom'/>", "not_an_alert", ""),
        ("<alert/>", "namespace", "/alert"),
        ("<alert xmlns='urn:oasis:names:tc:emergency:cap:1.1'/>", "namespace", "/alert"),
    ] {
        let faults = read(document.as_bytes()).unwrap_err();
        assert_eq!(found(&faults), [(at, code)], "{document}");
    }
}

#[test]
fn prefixes_layout_and_what_stands_around_do_not_matter() {
    let alert = full();
    let document = write(&alert);
    let prefixed = document.replace("</", "</\u{0}").replace('<', "<c:").replace("<c:/\u{0}", "</c:");
    let prefixed = prefixed.replace("<c:?xml", "<?xml").replace("xmlns=", "xmlns:c=");
    let hints = document.replacen(
        "<alert ",
        "<!-- a --><?a b?><alert xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='a b' ",
        1,
    );
    let times = document.replacen("<sent>", "<sent>\n  ", 1).replacen("<size>", "<size> +00", 1);
    let crlf = document.replace('\n', "\r\n");
    let bare = document.replacen("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "\u{feff}", 1);
    let cdata = document.replacen("三层起火。&#13;\n", "三层<![CDATA[起火。]]>&#xD;<!-- a -->&#10;", 1);
    assert!(cdata != document && times != document && hints != document);
    for document in [prefixed, hints, times, crlf, bare, cdata] {
        assert_eq!(read(document.as_bytes()), Ok(alert.clone()), "{document}");
    }
}

#[test]
fn a_signature_may_stand_at_the_end_and_nothing_else_may() {
    let signature = "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#' Id='s'><ds:SignedInfo>\
        <c:x xmlns:c='urn:x'>text<ds:y/></c:x></ds:SignedInfo>words</ds:Signature>";
    assert_eq!(damaged("</alert>", &format!("{signature}{signature}</alert>")), Ok(full()));
    let faults = damaged("<status>", &format!("{signature}<status>")).unwrap_err();
    assert_eq!(faults[0].at, "/alert/status");
    assert!(faults.iter().all(|fault| fault.code == "order"));
    for (piece, foreign) in [
        ("</info>", format!("{signature}</info>")),
        ("</alert>", "<x:a xmlns:x='urn:x'/></alert>".into()),
        ("</alert>", "<a xmlns=''/></alert>".into()),
    ] {
        let faults = damaged(piece, &foreign).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["namespace"], "{foreign}");
    }
}

/// Each rule beyond the schema by an alert that keeps all others.
#[test]
fn rules_beyond_the_schema() {
    type Change = fn(&mut Alert);
    fn area(alert: &mut Alert) -> &mut Area {
        &mut alert.infos[1].areas[0]
    }
    fn polygon(alert: &mut Alert, text: &str) {
        area(alert).polygons = vec![Polygon(text.into())];
    }
    fn circle(alert: &mut Alert, text: &str) {
        area(alert).circles = vec![Circle(text.into())];
    }
    const POLYGON: &str = "/alert/info[2]/area[1]/polygon[1]";
    const CIRCLE: &str = "/alert/info[2]/area[1]/circle[1]";
    let errors: &[(Change, &str, &str)] = &[
        (|alert| alert.identifier = String::new(), "/alert/identifier", "empty"),
        (|alert| alert.identifier = "a b".into(), "/alert/identifier", "characters"),
        (|alert| alert.identifier = "a\u{3000}b".into(), "/alert/identifier", "characters"),
        (|alert| alert.sender = "a,b".into(), "/alert/sender", "characters"),
        (|alert| alert.sender = "a<b".into(), "/alert/sender", "characters"),
        (|alert| alert.sender = "a&b".into(), "/alert/sender", "characters"),
        (|alert| alert.references.clear(), "/alert/references", "references"),
        (
            |alert| (alert.msg_type, alert.references) = (MsgType::Cancel, vec![]),
            "/alert/references",
            "references",
        ),
        (
            |alert| (alert.msg_type, alert.references) = (MsgType::Ack, vec![]),
            "/alert/references",
            "references",
        ),
        (|alert| alert.restriction = None, "/alert/restriction", "restriction"),
        (|alert| alert.restriction = Some(" ".into()), "/alert/restriction", "restriction"),
        (
            |alert| (alert.scope, alert.restriction, alert.addresses) = (Scope::Private, None, None),
            "/alert/addresses",
            "addresses",
        ),
        (|alert| polygon(alert, "1,1 2,2 1,1"), POLYGON, "pairs"),
        (|alert| polygon(alert, ""), POLYGON, "pairs"),
        (|alert| polygon(alert, "1,1 2,2 3,3 1,1.1"), POLYGON, "open"),
        (|alert| polygon(alert, "1,1 2,2 3, 3 1,1"), POLYGON, "pair"),
        (|alert| polygon(alert, "91,1 2,2 3,3 91,1"), POLYGON, "range"),
        (|alert| polygon(alert, "1,1 2,-180.1 3,3 1,1"), POLYGON, "range"),
        (|alert| circle(alert, "1,1"), CIRCLE, "circle"),
        (|alert| circle(alert, "1,1 1 1"), CIRCLE, "circle"),
        (|alert| circle(alert, "1,1 1km"), CIRCLE, "circle"),
        (|alert| circle(alert, "1,1 -0.1"), CIRCLE, "radius"),
        (|alert| circle(alert, "-90.5,1 1"), CIRCLE, "range"),
    ];
    let warnings: &[(Change, &str, &str)] = &[
        (
            |alert| alert.references[0].sent = moment("2027-01-01T00:00:00-00:00"),
            "/alert/references",
            "later",
        ),
        (|alert| alert.scope = Scope::Public, "/alert/restriction", "unrestricted"),
        (|alert| (alert.status, alert.note) = (Status::Exercise, None), "/alert/note", "exercise"),
        (|alert| (alert.msg_type, alert.note) = (MsgType::Error, None), "/alert/note", "why"),
        (|alert| alert.infos.clear(), "/alert/info", "no_info"),
        (|alert| alert.infos[1].event = String::new(), "/alert/info[2]/event", "empty"),
        (
            |alert| {
                (alert.infos[1].expires, alert.infos[1].onset, alert.infos[1].effective) =
                    (Some(alert.sent), None, None)
            },
            "/alert/info[2]/expires",
            "expired",
        ),
        (
            |alert| alert.infos[1].onset = Some(moment("2026-11-28T21:25:01+08:00")),
            "/alert/info[2]/expires",
            "backwards",
        ),
        (|alert| alert.infos[1].web = Some("campus.example".into()), "/alert/info[2]/web", "uri"),
        (
            |alert| alert.infos[1].resources[0].uri = Some("a b".into()),
            "/alert/info[2]/resource[1]/uri",
            "uri",
        ),
        (|alert| area(alert).description = " ".into(), "/alert/info[2]/area[1]/areaDesc", "empty"),
        (|alert| area(alert).altitude = None, "/alert/info[2]/area[1]/ceiling", "ceiling"),
        (|alert| area(alert).ceiling = Some(decimal("99")), "/alert/info[2]/area[1]/ceiling", "ceiling"),
    ];
    for (cases, severity) in [(errors, Severity::Error), (warnings, Severity::Warning)] {
        for (change, at, code) in cases {
            let mut alert = full();
            change(&mut alert);
            let faults = check(&alert);
            assert_eq!(found(&faults), [(*at, *code)]);
            assert_eq!(faults[0].severity, severity, "{code}");
            assert_eq!(read(write(&alert).as_bytes()).is_ok(), severity == Severity::Warning, "{code}");
        }
    }
    let mut alert = full();
    alert.references[0] =
        Reference { sender: alert.sender.clone(), identifier: alert.identifier.clone(), sent: alert.sent };
    assert_eq!(found(&check(&alert)), [("/alert/references", "itself")]);
    alert.references[0].sender = "a b".into();
    assert_eq!(found(&check(&alert)), [("/alert/references", "characters")]);
}

#[test]
fn what_google_asks_of_our_own() {
    let mut alert = full();
    let codes = |alert: &Alert| -> Vec<(String, &str)> {
        lint_google(alert).into_iter().map(|fault| (fault.at, fault.code)).collect()
    };
    let en = &mut alert.infos[1];
    (en.headline, en.description) = (Some("Fire".into()), Some("Fire on floor 3: 1 < 2 & so on; x <".into()));
    en.instruction = Some("Leave.".into());
    alert.infos[0].description = Some("三层起火。".into());
    assert_eq!(codes(&alert), [("/alert/info[1]/area[1]/areaDesc".to_owned(), "html")][..0]);

    alert.infos[1].headline = Some("a".repeat(141));
    alert.infos[1].description = Some("See <b>this</b>".into());
    alert.infos[1].instruction = alert.infos[0].instruction.clone();
    alert.infos[0].event = "Fire&nbsp;alarm".into();
    alert.infos[0].description = alert.infos[0].headline.as_ref().map(|text| format!(" {text}\n"));
    assert_eq!(
        codes(&alert),
        [
            ("/alert/info[1]/headline".to_owned(), "repeats"),
            ("/alert/info[1]/event".to_owned(), "html"),
            ("/alert/info[2]/headline".to_owned(), "too_long"),
            ("/alert/info[2]/description".to_owned(), "html"),
            ("/alert/info[2]/instruction".to_owned(), "same_text"),
        ]
    );
    alert.infos[1].language = Some("ZH-cn".into());
    assert!(codes(&alert).iter().all(|(_, code)| *code != "same_text"), "one language may say it twice");
}

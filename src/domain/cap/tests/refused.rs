//! What is refused, and what is said of it.

use super::super::*;
use super::{found, full};

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
    let prefixes = format!("<a {}/>", (0..130).map(|i| format!("xmlns:a{i}='u' ")).collect::<String>());
    let name = format!("<{}></b>", "a".repeat(100_000));
    let cases: [(&str, &str); 38] = [
        (&prefixes, "namespace"),
        ("<a xmlns:xml='urn:x'/>", "namespace"),
        (&name, "malformed"),
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
        assert!(faults[0].to_string().len() < 500, "{document:.80}");
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

//! One alert with one thing changed: what the schema says of it, and what is said here.

use belltower::domain::cap::{check, read};

use super::xmllint::Schema;

const SOUND: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>campus-7</identifier>
  <sender>tower.campus.example</sender>
  <sent>2026-11-28T19:25:00+08:00</sent>
  <status>Actual</status>
  <msgType>Update</msgType>
  <scope>Public</scope>
  <code>x</code>
  <references>tower.campus.example,campus-6,2026-11-28T19:20:00+08:00</references>
  <info>
    <language>en</language>
    <category>Fire</category>
    <event>Fire</event>
    <responseType>Evacuate</responseType>
    <urgency>Immediate</urgency>
    <severity>Extreme</severity>
    <certainty>Observed</certainty>
    <expires>2026-11-28T21:25:00+08:00</expires>
    <web>https://tower.campus.example/e/7</web>
    <parameter><valueName>level</valueName><value>red</value></parameter>
    <resource><resourceDesc>Map</resourceDesc><mimeType>image/png</mimeType><size>2048</size></resource>
    <area>
      <areaDesc>Library</areaDesc>
      <polygon>30.1,120.1 30.2,120.1 30.2,120.2 30.1,120.1</polygon>
      <circle>30.1,120.1 0.5</circle>
      <geocode><valueName>CAMPUS</valueName><value>E-01</value></geocode>
      <altitude>100</altitude>
    </area>
  </info>
</alert>
"#;

/// What is replaced, by what, and the fault that follows: where and its code.
type Mutation = (&'static str, &'static str, &'static str, &'static str);

/// The schema refuses these. It would refuse a signature before the end, too, but libxml2 lets that pass.
const BROKEN: &[Mutation] = &[
    ("<identifier>campus-7</identifier>", "", "/alert/identifier", "missing"),
    ("<code>x</code>", "<note>n</note><code>x</code>", "/alert/code[1]", "order"),
    (
        "<status>Actual</status>\n  <msgType>Update</msgType>",
        "<msgType>Update</msgType><status>Actual</status>",
        "/alert/status",
        "order",
    ),
    ("<scope>Public</scope>", "<scope>Public</scope><scope>Public</scope>", "/alert/scope[2]", "twice"),
    ("<scope>Public</scope>", "<scope>public</scope>", "/alert/scope", "word"),
    ("<status>Actual</status>", "<status> Actual</status>", "/alert/status", "word"),
    ("<status>Actual</status>", "<status/>", "/alert/status", "word"),
    ("Update", "Correction", "/alert/msgType", "word"),
    ("<sent>2026-11-28T19:25:00+08:00", "<sent>2026-11-28T19:25:00Z", "/alert/sent", "time"),
    ("<sent>2026-11-28T19:25:00+08:00", "<sent>2026-11-28T19:25:00", "/alert/sent", "time"),
    ("<sent>2026-11-28T19:25:00+08:00", "<sent>2026-11-28T19:25:00.0+08:00", "/alert/sent", "time"),
    ("<sent>2026-11-28T19:25:00+08:00", "<sent>2026-02-30T19:25:00+08:00", "/alert/sent", "time"),
    ("<sent>2026-11-28T19:25:00+08:00", "<sent>2026-11-28T19:25:61+08:00", "/alert/sent", "time"),
    ("<sent>2026-11-28T19:25:00+08:00", "<sent>2026-11-28T19:25:00+15:00", "/alert/sent", "time"),
    ("<sent>2026-11-28T19:25:00+08:00", "<sent>", "/alert/sent", "time"),
    ("<expires>2026-11-28T21:25:00+08:00", "<expires>2026-11-28", "/alert/info[1]/expires", "time"),
    ("<category>Fire</category>", "", "/alert/info[1]/category", "missing"),
    ("<category>Fire</category>", "<category>Storm</category>", "/alert/info[1]/category[1]", "word"),
    ("<certainty>Observed", "<certainty>Very Likely", "/alert/info[1]/certainty", "word"),
    ("<urgency>Immediate</urgency>", "", "/alert/info[1]/urgency", "missing"),
    ("<language>en", "<language>english language", "/alert/info[1]/language", "language"),
    ("<language>en", "<language> ", "/alert/info[1]/language", "language"),
    ("<web>", "<contact>c</contact><web>", "/alert/info[1]/web", "order"),
    ("<event>Fire", "<event><b>Fire</b>", "/alert/info[1]/event", "text_only"),
    ("<event>Fire</event>", "Fire<event>Fire</event>", "/alert/info[1]", "text"),
    ("<event>", "<event xml:lang='en'>", "/alert/info[1]/event", "attribute"),
    ("<info>", "<info id='1'>", "/alert/info[1]", "attribute"),
    (
        "<valueName>level</valueName><value>red</value>",
        "<value>red</value><valueName>level</valueName>",
        "/alert/info[1]/parameter[1]/valueName",
        "order",
    ),
    ("<valueName>level</valueName>", "", "/alert/info[1]/parameter[1]/valueName", "missing"),
    ("<mimeType>image/png</mimeType>", "", "/alert/info[1]/resource[1]/mimeType", "missing"),
    ("<size>2048", "<size>2 KB", "/alert/info[1]/resource[1]/size", "number"),
    ("<size>2048", "<size>", "/alert/info[1]/resource[1]/size", "number"),
    ("<areaDesc>Library</areaDesc>", "", "/alert/info[1]/area[1]/areaDesc", "missing"),
    (
        "<circle>",
        "<geocode><valueName>a</valueName><value>b</value></geocode><circle>",
        "/alert/info[1]/area[1]/circle[1]",
        "order",
    ),
    ("<altitude>100", "<altitude>1e2", "/alert/info[1]/area[1]/altitude", "number"),
    ("<altitude>100", "<altitude>100 ft", "/alert/info[1]/area[1]/altitude", "number"),
    ("<altitude>", "<depth>1</depth><altitude>", "/alert/info[1]/area[1]/depth", "unknown_element"),
    ("</info>\n", "</info><x:y xmlns:x='urn:x'/>", "/alert/y", "namespace"),
    (
        "<event>Fire</event>",
        "<event>Fire</event><event xmlns=''>Fire</event>",
        "/alert/info[1]/event",
        "namespace",
    ),
    ("cap:1.2", "cap:1.1", "/alert", "namespace"),
    (
        "</area>",
        "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/></area>",
        "/alert/info[1]/area[1]/Signature",
        "namespace",
    ),
    ("</info>", "", "/alert/info[1]", "malformed"),
    ("<event>Fire", "<event>Fire & smoke", "/alert/info[1]/event", "malformed"),
    ("<event>Fire", "<event>Fire &smoke;", "/alert/info[1]/event", "entity"),
];

/// The schema takes these, the protocol does not.
const BEYOND: &[Mutation] = &[
    ("campus-7", "", "/alert/identifier", "empty"),
    ("campus-7", "campus 7", "/alert/identifier", "characters"),
    ("<identifier>campus-7", "<identifier>campus,7", "/alert/identifier", "characters"),
    ("<sender>tower.campus.example", "<sender>tower&amp;bell", "/alert/sender", "characters"),
    ("<sender>tower.campus.example", "<sender>tower&lt;bell", "/alert/sender", "characters"),
    (
        "<references>tower.campus.example,campus-6,2026-11-28T19:20:00+08:00</references>",
        "",
        "/alert/references",
        "references",
    ),
    (
        "<references>tower.campus.example,campus-6,2026-11-28T19:20:00+08:00</references>",
        "<references/>",
        "/alert/references",
        "references",
    ),
    ("campus-6,2026-11-28T19:20:00+08:00", "campus-6", "/alert/references", "reference"),
    ("campus-6,2026-11-28T19:20:00+08:00", "campus-6,2026-11-28T11:20:00Z", "/alert/references", "reference"),
    ("<scope>Public", "<scope>Restricted", "/alert/restriction", "restriction"),
    ("<scope>Public", "<scope>Private", "/alert/addresses", "addresses"),
    ("30.2,120.2 30.1,120.1", "30.2,120.2", "/alert/info[1]/area[1]/polygon[1]", "pairs"),
    ("30.2,120.2 30.1,120.1", "30.2,120.2 30.1,120.3", "/alert/info[1]/area[1]/polygon[1]", "open"),
    ("30.2,120.2", "30.2 120.2", "/alert/info[1]/area[1]/polygon[1]", "pair"),
    ("30.2,120.2", "120.2,30.2", "/alert/info[1]/area[1]/polygon[1]", "range"),
    ("30.1,120.1 0.5", "30.1,120.1", "/alert/info[1]/area[1]/circle[1]", "circle"),
    ("30.1,120.1 0.5", "30.1,120.1 -0.5", "/alert/info[1]/area[1]/circle[1]", "radius"),
    ("30.1,120.1 0.5", "30.1,180.1 0.5", "/alert/info[1]/area[1]/circle[1]", "range"),
];

/// Neither minds these.
const SOUND_TOO: &[(&str, &str)] = &[
    ("<sent>", "<sent>\n    "),
    ("19:25:00+08:00", "11:25:00-00:00"),
    ("19:25:00+08:00", "11:25:00+00:00"),
    ("<language>en</language>", "<language/>"),
    ("<language>en", "<language> zh-Hans-CN "),
    ("<language>en</language>", ""),
    ("<size>2048", "<size> +2048"),
    ("<altitude>100", "<altitude>-.5"),
    ("<event>Fire", "<event>F<!-- i --><![CDATA[i]]>r&#x65;"),
    ("<event>", "<event xmlns:x='urn:x'>"),
    ("<code>x</code>", "<code/><code/>"),
    (
        "</alert>",
        "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'><b xmlns='urn:x'/></Signature></alert>",
    ),
    ("<alert ", "<alert xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='a b' "),
];

fn mutated((piece, by): (&str, &str)) -> String {
    assert!(SOUND.contains(piece), "{piece} is not in it");
    SOUND.replacen(piece, by, 1)
}

#[test]
fn each_change_is_judged_as_the_schema_and_the_protocol_do() {
    let mut documents = Vec::new();
    assert_eq!(check(&read(SOUND.as_bytes()).unwrap()), []);
    for (piece, by, at, code) in BROKEN.iter().chain(BEYOND) {
        let document = mutated((piece, by));
        let found: Vec<(String, &str)> = read(document.as_bytes())
            .expect_err(by)
            .into_iter()
            .filter(belltower::domain::cap::Fault::is_error)
            .map(|fault| (fault.at, fault.code))
            .collect();
        assert_eq!(found, [((*at).to_owned(), *code)], "{piece} -> {by}");
        documents.push(document);
    }
    for (piece, by) in SOUND_TOO {
        let document = mutated((piece, by));
        let alert = read(document.as_bytes()).unwrap_or_else(|faults| panic!("{by}: {faults:?}"));
        assert_eq!(check(&alert), [], "{by}");
        documents.push(document);
    }

    let Some(schema) = Schema::find() else { return };
    for (i, verdict) in schema.takes(&documents).into_iter().enumerate() {
        assert_eq!(verdict.is_err(), i < BROKEN.len(), "{verdict:?}\n{}", documents[i]);
    }
}

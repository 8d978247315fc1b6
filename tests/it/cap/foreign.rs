//! Alerts in the shape in which services of other countries publish them, made up for this: they are read without loss.

use belltower::domain::cap::{
    Alert, MsgType, Polygon, Scope, Severity, Status, check, lint_google, read, write,
};

use super::xmllint::Schema;

const STORM: &[u8] = include_bytes!("fixtures/storm.xml");
const SNOW: &[u8] = include_bytes!("fixtures/snow.xml");
const THUNDERSTORM: &[u8] = include_bytes!("fixtures/thunderstorm.xml");
const BUSHFIRE: &[u8] = include_bytes!("fixtures/bushfire.xml");
const RAIN: &[u8] = include_bytes!("fixtures/rain.xml");
pub(crate) const ALL: &[&[u8]] = &[STORM, SNOW, THUNDERSTORM, BUSHFIRE, RAIN];

fn taken(document: &[u8]) -> Alert {
    read(document).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[test]
fn a_storm_of_the_prairies() {
    let alert = taken(STORM);
    assert_eq!(check(&alert), []);
    assert_eq!((alert.status, alert.msg_type, alert.scope), (Status::Actual, MsgType::Update, Scope::Public));
    let references: Vec<&str> = alert.references.iter().map(|one| &*one.identifier).collect();
    assert_eq!(references, ["urn:oid:2.49.0.1.840.0.0f3c79.001.1", "urn:oid:2.49.0.1.840.0.0f3c78.001.2"]);
    let [info] = &alert.infos[..] else { panic!("{} infos", alert.infos.len()) };
    assert_eq!((info.event_codes.len(), info.parameters.len()), (2, 10));
    assert!(info.description.as_ref().unwrap().contains("tornado & hail > 1 inch.\n\nSOURCE"));
    let [area] = &info.areas[..] else { panic!("{} areas", info.areas.len()) };
    let points = area.polygons[0].points().unwrap();
    assert_eq!((points.len(), points[1].longitude.as_str()), (5, "-97.37"));
    assert!(Polygon::is_closed(&points));
    assert_eq!(area.geocodes.iter().filter(|code| code.name == "UGC").count(), 2);
}

#[test]
fn snow_in_two_languages_with_two_signatures() {
    let alert = taken(SNOW);
    assert_eq!(check(&alert), []);
    assert_eq!(alert.sent.to_string(), "2026-12-02T19:37:09-00:00");
    assert_eq!(alert.codes.len(), 3);
    let languages: Vec<Option<&str>> = alert.infos.iter().map(|info| info.language.as_deref()).collect();
    assert_eq!(languages, [Some("en-CA"), Some("fr-CA")]);
    let counts: Vec<_> = alert
        .infos
        .iter()
        .map(|info| (info.parameters.len(), info.areas.len(), info.areas[0].geocodes.len()))
        .collect();
    assert_eq!(counts, [(6, 2, 3), (6, 2, 3)]);
    assert_eq!(alert.infos[1].areas[0].description, "Haute rivière Héron");
    assert!(alert.infos[0].description.as_ref().unwrap().starts_with("\nSnow,"), "white space is kept");
}

#[test]
fn a_thunderstorm_in_six_languages() {
    let alert = taken(THUNDERSTORM);
    assert_eq!(check(&alert), []);
    assert_eq!(alert.infos.len(), 6);
    assert_eq!(alert.sent.to_string(), "2026-07-14T13:35:00-00:00", "of UTC there is one spelling");
    let info = &alert.infos[4];
    assert_eq!((info.language.as_deref(), &*info.event), (Some("el-GR"), "Καταιγίδα"));
    assert_eq!(info.description.as_deref(), Some("Ισχυρές καταιγίδες το βράδυ."));
    assert_eq!(info.web.as_deref(), Some("https://www.wetter.example/warnungen?lang=el-GR&id=40021"));
    assert_eq!(info.parameters[0].value, "3; orange; Severe");
    assert_eq!(info.areas[2].ceiling.as_ref().unwrap().as_str(), "9842.5197");
    assert_eq!(lint_google(&alert), []);
}

#[test]
fn a_bushfire_that_is_over() {
    let alert = taken(BUSHFIRE);
    let warnings: Vec<_> =
        check(&alert).into_iter().map(|fault| (fault.at, fault.code, fault.severity)).collect();
    assert_eq!(warnings, [("/alert/info[1]/expires".to_owned(), "expired", Severity::Warning)]);
    assert_eq!((alert.msg_type, alert.references.len()), (MsgType::Cancel, 2));
    assert_eq!(alert.sent.offset_minutes(), 630);
    assert_eq!(alert.incidents.as_deref(), Some("77 \"Red Gum Ridge\""));
    let info = &alert.infos[0];
    assert_eq!(
        (info.audience.as_deref(), info.description.as_deref(), &info.instruction),
        (Some(""), Some(""), &None)
    );
    assert_eq!(info.resources[0].size, Some(184_320));
    let (centre, radius) = info.areas[0].circles[0].parts().unwrap();
    assert_eq!((centre.latitude.to_f64(), radius.to_f64()), (-35.03, 4.5));
}

#[test]
fn an_exercise_for_a_few() {
    let alert = taken(RAIN);
    assert_eq!(check(&alert), []);
    assert_eq!((alert.status, alert.scope), (Status::Exercise, Scope::Restricted));
    assert_eq!(alert.restriction.as_deref(), Some("仅限参演单位"));
    assert_eq!(alert.infos[0].areas[0].geocodes[1].value, "330198");
}

#[test]
fn all_are_written_again_and_taken_by_the_schema() {
    let mut documents: Vec<Vec<u8>> = ALL.iter().map(|document| document.to_vec()).collect();
    for document in ALL {
        let alert = taken(document);
        let again = write(&alert);
        assert_eq!(read(again.as_bytes()), Ok(alert));
        documents.push(again.into_bytes());
    }
    let Some(schema) = Schema::find() else { return };
    assert!(schema.takes(&documents).iter().all(Result::is_ok));
}

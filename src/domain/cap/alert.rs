//! The elements of an alert (OASIS CAP 1.2 §3.2), in the order in which they stand in a document. Texts are kept as they
//! were written, white space included; `None` and an empty list are an element that is left out.

use std::fmt;

use super::moment::Moment;
use super::number::Decimal;
use super::words::{
    Category, Certainty, MsgType, ResponseType, Scope, Severity as EventSeverity, Status, Urgency,
};

/// `alert` (§3.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Names the alert among all of its sender; no white space, comma, `<` or `&`.
    pub identifier: String,
    /// Names the sender in the world, as a domain name does; no white space, comma, `<` or `&`.
    pub sender: String,
    pub sent: Moment,
    pub status: Status,
    pub msg_type: MsgType,
    /// An operator or a device.
    pub source: Option<String>,
    pub scope: Scope,
    /// The rule that limits whom a `Restricted` alert may be shown to.
    pub restriction: Option<String>,
    /// For whom a `Private` alert is: separated by white space, those that have some in double quotes.
    pub addresses: Option<String>,
    /// Marks of profiles and networks.
    pub codes: Vec<String>,
    pub note: Option<String>,
    /// Earlier alerts that this one is about.
    pub references: Vec<Reference>,
    /// Names of incidents: separated by white space, those that have some in double quotes.
    pub incidents: Option<String>,
    pub infos: Vec<Info>,
}

/// One alert that `references` names: `sender,identifier,sent` (§3.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    pub sender: String,
    pub identifier: String,
    pub sent: Moment,
}

/// `info` (§3.2.2): the event in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// RFC 3066; `None` means en-US.
    pub language: Option<String>,
    /// At least one.
    pub categories: Vec<Category>,
    /// What happens, in a few words.
    pub event: String,
    pub response_types: Vec<ResponseType>,
    pub urgency: Urgency,
    pub severity: EventSeverity,
    pub certainty: Certainty,
    /// For whom it is.
    pub audience: Option<String>,
    pub event_codes: Vec<Named>,
    /// From when on the information holds; `None` means since it was sent.
    pub effective: Option<Moment>,
    /// When the event is expected to begin.
    pub onset: Option<Moment>,
    pub expires: Option<Moment>,
    /// Who issued it, as people call them.
    pub sender_name: Option<String>,
    pub headline: Option<String>,
    pub description: Option<String>,
    pub instruction: Option<String>,
    /// An absolute URI with more about it.
    pub web: Option<String>,
    pub contact: Option<String>,
    pub parameters: Vec<Named>,
    pub resources: Vec<Resource>,
    pub areas: Vec<Area>,
}

/// A `valueName` and its `value`: what an `eventCode`, a `parameter` (§3.2.2) and a `geocode` (§3.2.4) are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// The system that the value is of, such as `SAME`.
    pub name: String,
    pub value: String,
}

/// `resource` (§3.2.3): a picture, a sound or another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub description: String,
    pub mime_type: String,
    /// Bytes, roughly.
    pub size: Option<u64>,
    /// Where it is, or its name.
    pub uri: Option<String>,
    /// The file itself in Base64, for those who cannot fetch it.
    pub deref_uri: Option<String>,
    /// SHA-1 of it.
    pub digest: Option<String>,
}

/// `area` (§3.2.4): where it is; what all its parts cover together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    pub description: String,
    pub polygons: Vec<Polygon>,
    pub circles: Vec<Circle>,
    pub geocodes: Vec<Named>,
    /// Feet above mean sea level (WGS 84); the lowest where there is a ceiling.
    pub altitude: Option<Decimal>,
    /// Feet above mean sea level (WGS 84). Says nothing without an altitude.
    pub ceiling: Option<Decimal>,
}

/// A place (WGS 84) in degrees, north and east positive, with the digits it was written with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    pub latitude: Decimal,
    pub longitude: Decimal,
}

impl Point {
    /// Reads `latitude,longitude`.
    pub fn parse(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once(',')?;
        Some(Self { latitude: Decimal::parse(latitude)?, longitude: Decimal::parse(longitude)? })
    }

    /// Whether the latitude is within ±90 and the longitude within ±180.
    pub fn is_on_earth(&self) -> bool {
        self.latitude.to_f64().abs() <= 90.0 && self.longitude.to_f64().abs() <= 180.0
    }

    /// Whether both are the same place, however many digits either is written with.
    fn is_at(&self, other: &Self) -> bool {
        self.latitude.is_same(&other.latitude) && self.longitude.is_same(&other.longitude)
    }
}

/// `polygon` (§3.2.4), as it was written: pairs `latitude,longitude` separated by white space, the last the same as the
/// first. A foreign one need not be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Polygon(pub String);

impl Polygon {
    /// Its corners, the first once more at the end.
    ///
    /// # Errors
    ///
    /// The first piece that is not a pair of numbers.
    pub fn points(&self) -> Result<Vec<Point>, &str> {
        self.0
            .split(super::is_space)
            .filter(|pair| !pair.is_empty())
            .map(|pair| Point::parse(pair).ok_or(pair))
            .collect()
    }

    /// Whether the last of these is the first.
    pub fn is_closed(points: &[Point]) -> bool {
        matches!((points.first(), points.last()), (Some(first), Some(last)) if first.is_at(last))
    }
}

/// `circle` (§3.2.4), as it was written: `latitude,longitude radius`, the radius in kilometres. A foreign one need not be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Circle(pub String);

impl Circle {
    /// Its centre and its radius in kilometres.
    pub fn parts(&self) -> Option<(Point, Decimal)> {
        let mut parts = self.0.split(super::is_space).filter(|part| !part.is_empty());
        let centre = Point::parse(parts.next()?)?;
        let radius = Decimal::parse(parts.next()?)?;
        parts.next().is_none().then_some((centre, radius))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.sender, self.identifier, self.sent)
    }
}

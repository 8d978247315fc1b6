//! Pictures that an administrator hands in, told by their bytes. An SVG is a document that may do things and fetch others:
//! only what draws is let in.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde::{Deserialize, Serialize};

/// Bytes of a picture.
pub const MOST_BYTES: usize = 100 * 1024;
/// Points of a picture's side.
const MOST_POINTS: u32 = 2_048;
/// Elements within one another.
const MOST_DEPTH: usize = 64;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const PNG_END: &[u8] = b"IEND\xaeB`\x82";
const SVG: &str = "http://www.w3.org/2000/svg";

/// What draws again what was drawn. Each may draw all that the one before does.
const AGAIN: [&str; 3] = ["use", "pattern", "mask"];
const MOST_AGAIN: usize = 16;

/// What draws, and nothing that runs, fetches, moves or holds another kind of document.
const DRAWS: [&str; 23] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "pattern",
    "style",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogoKind {
    Png,
    Svg,
}

impl LogoKind {
    /// As files of it end.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// Why a picture is not taken, as the code of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLogo {
    TooLarge,
    NoPicture,
    TooManyPoints,
    /// It holds more than a drawing.
    MoreThanDrawing,
}

impl NoLogo {
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "logo_too_large",
            Self::NoPicture => "logo_no_picture",
            Self::TooManyPoints => "logo_too_many_points",
            Self::MoreThanDrawing => "logo_more_than_drawing",
        }
    }
}

/// What kind of picture it is.
///
/// # Errors
///
/// Why it is not taken.
pub fn read(bytes: &[u8]) -> Result<LogoKind, NoLogo> {
    if bytes.len() > MOST_BYTES {
        return Err(NoLogo::TooLarge);
    }
    if bytes.starts_with(PNG) {
        return png(bytes).map(|()| LogoKind::Png);
    }
    let text = str::from_utf8(bytes).map_err(|_| NoLogo::NoPicture)?;
    svg(text.trim_start_matches('\u{feff}')).map(|()| LogoKind::Svg)
}

/// Its first part says how large it is; it must be there to its end.
fn png(bytes: &[u8]) -> Result<(), NoLogo> {
    let number =
        |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes);
    let is_header = bytes.get(12..16) == Some(b"IHDR") && bytes.ends_with(PNG_END);
    let (Some(width), Some(height), true) = (number(16), number(20), is_header) else {
        return Err(NoLogo::NoPicture);
    };
    // The part that says how often it moves.
    if bytes.windows(4).any(|part| part == b"acTL") {
        return Err(NoLogo::MoreThanDrawing);
    }
    let fits = |side: u32| (1..=MOST_POINTS).contains(&side);
    if fits(width) && fits(height) { Ok(()) } else { Err(NoLogo::TooManyPoints) }
}

fn svg(text: &str) -> Result<(), NoLogo> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let (mut depth, mut has_root) = (0_usize, false);
    // What stands in all elements together: a comment between parts a rule here and in no browser.
    let mut words = String::new();
    let mut again = 0;
    loop {
        match reader.read_event().map_err(|_| NoLogo::NoPicture)? {
            Event::Start(start) => {
                element(&start, depth, &mut has_root)?;
                again += usize::from(AGAIN.contains(&start.name().into_inner()));
                depth += 1;
                if depth > MOST_DEPTH {
                    return Err(NoLogo::MoreThanDrawing);
                }
            }
            Event::Empty(start) => {
                element(&start, depth, &mut has_root)?;
                again += usize::from(AGAIN.contains(&start.name().into_inner()));
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            // Also the rules of a style, which may fetch as attributes may.
            Event::Text(text) => words.push_str(&text.xml10_content()),
            Event::CData(text) => words.push_str(&text.xml10_content()),
            // What they stand for is looked at nowhere.
            Event::GeneralRef(_) if depth == 0 => return Err(NoLogo::NoPicture),
            Event::GeneralRef(_) | Event::DocType(_) | Event::PI(_) => return Err(NoLogo::MoreThanDrawing),
            // In other letters it would say something else.
            Event::Decl(head) => {
                if let Some(letters) = head.encoding()
                    && !letters.is_ok_and(|letters| letters.eq_ignore_ascii_case("utf-8"))
                {
                    return Err(NoLogo::MoreThanDrawing);
                }
            }
            Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    plain(&words)?;
    if again > MOST_AGAIN {
        return Err(NoLogo::MoreThanDrawing);
    }
    if has_root && depth == 0 { Ok(()) } else { Err(NoLogo::NoPicture) }
}

fn element(start: &BytesStart<'_>, depth: usize, has_root: &mut bool) -> Result<(), NoLogo> {
    let name = start.name().into_inner().to_owned();
    if depth == 0 {
        let is_svg = name == "svg" && !*has_root;
        *has_root = true;
        if !is_svg {
            return Err(NoLogo::NoPicture);
        }
    } else if !DRAWS.contains(&name.as_str()) {
        return Err(NoLogo::MoreThanDrawing);
    }
    let mut is_drawing = depth > 0;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| NoLogo::NoPicture)?;
        let (key, value) = (attribute.key.into_inner(), &*attribute.value);
        let local = key.rsplit(':').next().unwrap_or(key);
        match key {
            "xmlns" => is_drawing = value == SVG,
            _ if local == "href" && !key.starts_with("xmlns:") && !value.starts_with('#') => {
                return Err(NoLogo::MoreThanDrawing);
            }
            // A prefix that nothing above lets in says nothing.
            key if key.starts_with("xmlns:") => {}
            key if key.get(..2).is_some_and(|on| on.eq_ignore_ascii_case("on")) => {
                return Err(NoLogo::MoreThanDrawing);
            }
            _ => plain(value)?,
        }
    }
    if is_drawing { Ok(()) } else { Err(NoLogo::NoPicture) }
}

/// A value that leads nowhere else: no address, no rule that fetches, nothing written so that it is not seen.
fn plain(value: &str) -> Result<(), NoLogo> {
    let value = value.to_ascii_lowercase();
    let leads = [
        "javascript:",
        "data:",
        "://",
        "@import",
        "@font-face",
        "@keyframes",
        "animation",
        "expression(",
        "image(",
        "image-set(",
    ];
    let fetches = value
        .split("url(")
        .skip(1)
        .any(|rest| !rest.trim_start_matches([' ', '\t', '\n', '\r', '\'', '"']).starts_with('#'));
    if fetches || value.contains(['\\', '&']) || leads.iter().any(|word| value.contains(word)) {
        return Err(NoLogo::MoreThanDrawing);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(inside: &str) -> Result<LogoKind, NoLogo> {
        read(format!("<svg xmlns=\"{SVG}\" viewBox=\"0 0 8 8\">{inside}</svg>").as_bytes())
    }

    #[test]
    fn what_draws_is_taken() {
        for inside in [
            "<path d=\"M0 0h8v8z\" fill=\"#124\"/>",
            "<defs><linearGradient id=\"a\"><stop offset=\"1\"/></linearGradient></defs><rect fill=\"url(#a)\"/>",
            "<style>.a { fill: url( '#b' ) }</style><use href=\"#c\"/><!-- made by hand -->",
        ] {
            assert_eq!(svg(inside), Ok(LogoKind::Svg), "{inside}");
        }
        let declared = format!("\u{feff}<?xml version=\"1.0\"?>\n<svg xmlns=\"{SVG}\"/>\n");
        assert_eq!(read(declared.as_bytes()), Ok(LogoKind::Svg));
    }

    #[test]
    fn what_runs_or_fetches_is_not() {
        for inside in [
            "<script>alert(1)</script>",
            "<SCRIPT/>",
            "<g onload=\"x()\"/>",
            "<g OnClick=\"x()\"/>",
            "<a href=\"#x\"/>",
            "<use href=\"//evil.example/x.svg#a\"/>",
            "<use xlink:href=\"x.svg\"/>",
            "<use href=\"&#106;avascript:x()\"/>",
            "<image href=\"#a\"/>",
            "<foreignObject/>",
            "<set attributeName=\"href\" to=\"x\"/>",
            "<animate/>",
            "<svg:script xmlns:svg=\"http://www.w3.org/2000/svg\"/>",
            "<rect fill=\"url(http://evil.example/a)\"/>",
            "<rect fill=\"URL(x.svg#a)\"/>",
            "<rect style=\"fill: u\\72l(x)\"/>",
            "<style>@import 'x.css';</style>",
            "<style><![CDATA[a { background: url(x) }]]></style>",
            "<style>a { fill: url(&quot;x&quot;) }</style>",
            "<style>@imp<!-- -->ort 'x.css';</style>",
            "<style>a { fill: u<![CDATA[]]>rl(x) }</style>",
            "<use xmlns:x=\"http://www.w3.org/1999/xlink\" x:href=\"//evil.example/x.svg#a\"/>",
            "<style>@keyframes a { to { opacity: 0 } }</style>",
            "<rect style=\"animation: a 1s infinite\"/>",
            "<?xml-stylesheet href=\"x.css\"?>",
            "<text>&entity;</text>",
        ] {
            assert_eq!(svg(inside), Err(NoLogo::MoreThanDrawing), "{inside}");
        }
        assert_eq!(
            svg(&"<use href=\"#a\"/>".repeat(17)),
            Err(NoLogo::MoreThanDrawing),
            "each may be as large as all before"
        );
        let letters = format!("<?xml version=\"1.0\" encoding=\"ISO-2022-JP\"?><svg xmlns=\"{SVG}\"/>");
        assert_eq!(read(letters.as_bytes()), Err(NoLogo::MoreThanDrawing));
        let entity = format!("<!DOCTYPE svg [<!ENTITY a \"b\">]><svg xmlns=\"{SVG}\"/>");
        assert_eq!(read(entity.as_bytes()), Err(NoLogo::MoreThanDrawing));
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_told() {
        for bytes in [
            &b""[..],
            b"GIF89a",
            b"<html><svg/></html>",
            b"<svg",
            b"<svg/>",
            b"<svg xmlns=\"http://www.w3.org/1999/xhtml\"/>",
            b"\xff\xd8\xff",
        ] {
            assert_eq!(read(bytes), Err(NoLogo::NoPicture), "{bytes:?}");
        }
        assert_eq!(read(&vec![b' '; MOST_BYTES + 1]), Err(NoLogo::TooLarge));
        let png = |width: u32, height: u32| {
            let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
            [PNG, b"\0\0\0\rIHDR", &sides, b"\x08\x06\0\0\0....", b"\0\0\0\0", PNG_END].concat()
        };
        assert_eq!(read(&png(64, 2_048)), Ok(LogoKind::Png));
        let moving = [&png(64, 64)[..33], b"\0\0\0\x08acTL........", &png(64, 64)[33..]].concat();
        assert_eq!(read(&moving), Err(NoLogo::MoreThanDrawing));
        for (width, height) in [(0, 1), (1, 2_049), (u32::MAX, 1)] {
            assert_eq!(read(&png(width, height)), Err(NoLogo::TooManyPoints), "{width} × {height}");
        }
        let whole = png(8, 8);
        for cut in [9, 20, whole.len() - 1] {
            assert_eq!(read(&whole[..cut]), Err(NoLogo::NoPicture), "{cut}");
        }
    }
}

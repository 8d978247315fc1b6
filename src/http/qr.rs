//! QR codes as SVG, drawn here: black on white with their quiet zone in whatever appearance, since telephones look for that.

use askama::filters::{Html, escape};
use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrCode};

use crate::{Error, Result};

/// White around a code, in modules (ISO/IEC 18004).
const QUIET: usize = 4;
/// Of a poster: a letter's width in its height, in the type that addresses are written in.
const LETTER: f64 = 0.62;
const LARGEST: f64 = 2.2;

/// A drawn code, as far as it is the same for all: its modules as one path, and how many there are in a row.
struct Drawing {
    path: String,
    side: usize,
}

fn draw(text: &str, level: EcLevel) -> Result<Drawing> {
    let code = QrCode::with_error_correction_level(text, level).map_err(|error: QrError| {
        // Nothing of ours is near what a code holds.
        Error::internal(format!("no QR code of {} bytes: {error}", text.len()))
    })?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            if run[0] == Color::Dark {
                let (left, top, length) = (x + QUIET, y + QUIET, run.len());
                path.push_str(&format!("M{left} {top}h{length}v1h-{length}z"));
            }
            x += run.len();
        }
    }
    Ok(Drawing { path, side: width + 2 * QUIET })
}

/// A code within a page, with what is read out in its place.
pub fn picture(text: &str, label: &str) -> Result<String> {
    let Drawing { path, side } = draw(text, EcLevel::M)?;
    let label = escaped(label);
    Ok(format!(
        "<svg class=\"qr\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" \
         aria-label=\"{label}\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

/// A code to be printed, with a line above it and what it says below: a file of its own.
pub fn poster(text: &str, title: &str) -> Result<String> {
    // A poster is scratched, and read from afar.
    let Drawing { path, side } = draw(text, EcLevel::Q)?;
    let fits = |letters: f64| (side as f64 / (letters + 1.0)).min(LARGEST);
    let (above, below) = (fits(wide(title)), fits(text.chars().count() as f64 * LETTER));
    let (height, middle) = (side + 6, side as f64 / 2.0);
    let (words, address) = (escaped(title), escaped(text));
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 -3 {side} {height}\" width=\"{size}mm\" \
         height=\"{tall}mm\"><title>{words}</title><path fill=\"#fff\" d=\"M0 -3h{side}v{height}h-{side}z\"/>\
         <text x=\"{middle}\" y=\"1.5\" text-anchor=\"middle\" font-family=\"sans-serif\" font-size=\"{above:.2}\" \
         fill=\"#000\">{words}</text><path shape-rendering=\"crispEdges\" fill=\"#000\" d=\"{path}\"/>\
         <text x=\"{middle}\" y=\"{foot}\" text-anchor=\"middle\" font-family=\"monospace\" font-size=\"{below:.2}\" \
         fill=\"#000\">{address}</text></svg>\n",
        size = side * 3,
        tall = height * 3,
        foot = side,
    ))
}

/// How wide a line is in its own height: Chinese letters are as wide as they are high.
fn wide(text: &str) -> f64 {
    text.chars().map(|letter| if letter.is_ascii() { LETTER } else { 1.0 }).sum()
}

fn escaped(text: &str) -> String {
    let Ok(safe) = escape(text, Html);
    safe.to_string()
}

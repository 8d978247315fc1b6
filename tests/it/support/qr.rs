//! What a drawn QR code says to a telephone.

use rqrr::PreparedImage;

/// Pixels of a module.
const SCALE: usize = 4;

/// Reads the only code of a page, or of a file.
pub(crate) fn read(page: &str) -> String {
    let (before, after) = page.split_once("fill=\"#000\" d=\"").unwrap_or_else(|| panic!("no code: {page}"));
    let (path, rest) = after.split_once('"').unwrap();
    assert!(!rest.contains("fill=\"#000\" d=\""), "one code");
    let (_, numbers) = before.rsplit_once("viewBox=\"").unwrap();
    let side: usize = numbers.split(' ').nth(2).unwrap().parse().unwrap();
    let mut dark = vec![false; side * side];
    for run in path.split('M').skip(1) {
        let numbers: Vec<usize> =
            run.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        let [x, y, length, ..] = numbers[..] else { panic!("{run}") };
        dark[y * side + x..][..length].fill(true);
    }
    let pixels = side * SCALE;
    let light = |x: usize, y: usize| if dark[y / SCALE * side + x / SCALE] { 0 } else { 255 };
    let mut image = PreparedImage::prepare_from_greyscale(pixels, pixels, light);
    let [code] = &image.detect_grids()[..] else { panic!("not one code in {page}") };
    code.decode().unwrap().1
}

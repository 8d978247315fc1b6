//! Pictures of every page, to be looked at: `scripts/screenshots` asks for them.

use std::fs;
use std::path::PathBuf;

use belltower::config::Language;
use serde_json::json;

use super::{audit, rooms, signed_in};

/// A path as a file's name.
fn name(path: &str) -> String {
    let words = path.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[test]
#[ignore = "makes pictures for people; it finds no fault by itself"]
fn every_page_is_pictured_in_both_sizes_appearances_and_languages() {
    let folder =
        PathBuf::from(std::env::var("BELLTOWER_PICTURES").expect("BELLTOWER_PICTURES names a folder"));
    // Of the pages whose address holds this; all where it is not said.
    let wanted = std::env::var("BELLTOWER_PICTURES_OF").unwrap_or_default();
    fs::create_dir_all(&folder).unwrap();
    signed_in(rooms::app(), async |app, person| {
        audit::hold_still(person).await;
        let rooms = rooms::console(app).await;
        for language in Language::ALL {
            person.speaks(language).await;
            for (number, room) in rooms.iter().enumerate().filter(|(_, room)| room.path.contains(&wanted)) {
                for width in [1440, 390] {
                    person.look_at_width(width).await;
                    room.enter(person).await;
                    for theme in ["light", "dark"] {
                        let wear = "document.documentElement.dataset.theme = arguments[0]";
                        person.script(wear, json!([theme])).await;
                        let tag = language.as_str();
                        let file = format!("{number:03}-{}-{width}-{theme}-{tag}.png", name(&room.path));
                        fs::write(folder.join(file), person.picture(width).await).unwrap();
                    }
                }
            }
        }
    });
}

//! Pictures of every page, to be looked at: `scripts/screenshots` asks for them.

use std::fs;
use std::path::PathBuf;

use belltower::config::Language;
use serde_json::json;

use super::audit;
use super::chrome::in_browser;
use super::person::Person;
use super::rooms::{self, Room};

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
    // All where it is not said.
    let wanted = std::env::var("BELLTOWER_PICTURES_OF").unwrap_or_default();
    fs::create_dir_all(&folder).unwrap();
    in_browser(rooms::app(), async |app, person| {
        audit::hold_still(person).await;
        let public = rooms::public(app).await;
        let album = Album { folder, wanted };
        album.fill(person, "public", &public).await;
        person.enrol(app).await;
        person.speaks(Language::SimplifiedChinese).await;
        person.sign_in().await;
        album.fill(person, "console", &rooms::console(app).await).await;
    });
}

struct Album {
    folder: PathBuf,
    /// Of the pages whose address holds this.
    wanted: String,
}

impl Album {
    async fn fill(&self, person: &Person, part: &str, rooms: &[Room]) {
        for language in Language::ALL {
            person.speaks(language).await;
            let rooms = rooms.iter().enumerate();
            for (number, room) in rooms.filter(|(_, room)| room.path.contains(&self.wanted)) {
                for width in [1440, 390] {
                    person.look_at_width(width).await;
                    room.enter(person).await;
                    for theme in ["light", "dark"] {
                        let wear = "document.documentElement.dataset.theme = arguments[0]";
                        person.script(wear, json!([theme])).await;
                        let (page, tag) = (name(&room.path), language.as_str());
                        let file = format!("{part}-{number:03}-{page}-{width}-{theme}-{tag}.png");
                        fs::write(self.folder.join(file), person.picture(width).await).unwrap();
                    }
                }
            }
        }
    }
}

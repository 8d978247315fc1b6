//! What members see of a request, for whoever writes the text.

use serde_json::Value;

use crate::channel::{Card, Cut};
use crate::domain::content::Rendered;

/// On a card that names no other.
const MORE: &str = "详情";

/// Of a body as [`compose`](super::compose) makes it.
pub(super) fn card(body: &Value, content: &Rendered) -> Card {
    let at = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let cut = |pointer: &str, whole: &str| at(pointer).map(|shown| Cut::of(shown, whole));
    let Rendered { title, plain, .. } = content;
    let listed = |pointer: &str, name: &str| {
        let all = body.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|one| one[name].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    match at("/msgtype") {
        Some("textcard") => Card {
            title: cut("/textcard/title", title),
            text: cut("/textcard/description", plain),
            buttons: vec![at("/textcard/btntxt").unwrap_or(MORE).to_owned()],
            ..Card::default()
        },
        Some("template_card") => Card {
            title: cut("/template_card/main_title/title", title),
            text: cut("/template_card/sub_title_text", plain),
            buttons: [
                listed("/template_card/button_list", "text"),
                listed("/template_card/jump_list", "title"),
            ]
            .concat(),
            ..Card::default()
        },
        Some("markdown") => {
            let whole = format!("**{title}**\n\n{plain}");
            Card { text: cut("/markdown/content", &whole), ..Card::default() }
        }
        _ => Card { text: cut("/text/content", &format!("{title}\n\n{plain}")), ..Card::default() },
    }
}

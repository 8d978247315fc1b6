//! The texts of pages, in the languages people read Belltower in. A person's own switch decides, not what their
//! browser prefers: most browsers on a campus came in whatever language they came in.

use std::borrow::Cow;
use std::collections::HashMap;

use actix_web::HttpRequest;
use actix_web::web::Data;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, langid, static_loader};

use super::server::State;
use crate::config::Language;

static_loader! {
    static TEXTS = {
        locales: "./templates/locales",
        fallback_language: "zh-CN",
        // The marks Fluent puts around values for mixed writing directions get in the way of copying and searching.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const ZH_CN: LanguageIdentifier = langid!("zh-CN");
const EN: LanguageIdentifier = langid!("en");

/// Values for a text's `{ $name }` places.
pub type Arguments = HashMap<Cow<'static, str>, FluentValue<'static>>;

/// The cookie that remembers a person's switch, so that the sign-in page speaks their language too.
pub const COOKIE: &str = "bt_language";

/// The language this browser was switched to.
pub fn switched(request: &HttpRequest) -> Option<Language> {
    request.cookie(COOKIE).and_then(|cookie| Language::from_tag(cookie.value()))
}

/// The language this browser was switched to, else the campus's.
pub fn of(request: &HttpRequest) -> Language {
    let campus = request.app_data::<Data<State>>().map(|state| state.language);
    switched(request).or(campus).unwrap_or(Language::SimplifiedChinese)
}

/// What a language calls itself.
pub const fn own_name(language: Language) -> &'static str {
    match language {
        Language::SimplifiedChinese => "简体中文",
        Language::English => "English",
    }
}

/// The text of `key`, or the key itself where there is none: a test keeps both languages complete.
pub fn text(language: Language, key: &str, arguments: Option<&Arguments>) -> String {
    let language = match language {
        Language::SimplifiedChinese => &ZH_CN,
        Language::English => &EN,
    };
    let found = match arguments {
        Some(arguments) => TEXTS.try_lookup_with_args(language, key, arguments),
        None => TEXTS.try_lookup(language, key),
    };
    found.unwrap_or_else(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn chinese_unless_switched() {
        let english_browser =
            TestRequest::default().insert_header(("accept-language", "en-GB,en")).to_http_request();
        assert_eq!(of(&english_browser), Language::SimplifiedChinese);
        for (value, expected) in [
            ("en", Language::English),
            ("zh-CN", Language::SimplifiedChinese),
            ("tlh", Language::SimplifiedChinese),
        ] {
            let switched = TestRequest::default().cookie(Cookie::new(COOKIE, value)).to_http_request();
            assert_eq!(of(&switched), expected, "{value}");
        }
    }

    #[test]
    fn texts_differ_by_language_and_take_values() {
        let arguments = Arguments::from([("name".into(), "张伟".into())]);
        assert_eq!(text(Language::SimplifiedChinese, "signed-in-as", Some(&arguments)), "已登录：张伟");
        assert_eq!(text(Language::English, "signed-in-as", Some(&arguments)), "Signed in as 张伟");
    }
}

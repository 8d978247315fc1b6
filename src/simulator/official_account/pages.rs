//! What opens in a follower's browser: who they are, for a site that asks, and what a QR code leads to.

use super::is_openid;
use super::server::Shared;
use crate::simulator::http::{Answer, Request};
use crate::simulator::wechat::sign_in::{Asked, authorize, chooser, page};

/// Names that a page proposes.
const PROPOSED: usize = 200;

pub(super) fn answer(account: &Shared, request: &Request) -> Answer {
    let known: Vec<_> = account.account().followers.keys().take(PROPOSED).cloned().collect();
    if request.path == "/connect/oauth2/authorize" {
        let asked = Asked {
            id: &account.app_id,
            scopes: &["snsapi_base", "snsapi_userinfo"],
            title: "微信登录（模拟）",
        };
        let issue = |who: &str, scope: &str| account.account().codes.issue(who, scope, account.clock.now());
        return authorize(request, &asked, &known, issue);
    }
    let Some(ticket) = request.path.strip_prefix("/q/") else {
        return Answer::Json { status: 404, body: "{}".to_owned() };
    };
    let title = "扫描二维码（模拟）";
    let words = match request.query.get("as").map(String::as_str).filter(|who| !who.is_empty()) {
        None => return page(title, &chooser(request, &known, "扫描")),
        Some(who) if !is_openid(who) => "<p>这不是 openid。</p>",
        Some(who) => match account.scan(who, ticket) {
            Ok(()) => "<p>已关注“钟楼大学”。</p>",
            Err(_) => "<p>二维码已过期。</p>",
        },
    };
    page(title, words)
}

//! Where people sign in with WeChat or WeCom: the same page of WeChat's for both, in its own browser.

use url::Url;

/// WeChat's page. What is called elsewhere, such as a simulator, has its own.
const PAGE: &str = "https://open.weixin.qq.com";
const VENDORS: [&str; 2] = ["qyapi.weixin.qq.com", "api.weixin.qq.com"];

/// The address to begin at: without asking the person anything (`snsapi_base`), as no more than the id is wanted. `agent`: an
/// application of WeCom's.
pub(super) fn address(endpoint: &Url, app_id: &str, back: &str, state: &str, agent: Option<u64>) -> String {
    let is_vendors = endpoint.host_str().is_some_and(|host| VENDORS.contains(&host));
    let site = if is_vendors { PAGE } else { endpoint.as_str().trim_end_matches('/') };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    // In this order, which the page insists on.
    query.append_pair("appid", app_id).append_pair("redirect_uri", back).append_pair("response_type", "code");
    query.append_pair("scope", "snsapi_base").append_pair("state", state);
    if let Some(agent) = agent {
        query.append_pair("agentid", &agent.to_string());
    }
    format!("{site}/connect/oauth2/authorize?{}#wechat_redirect", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_page_is_asked_in_the_order_it_wants() {
        let vendor = "https://qyapi.weixin.qq.com".parse().unwrap();
        assert_eq!(
            address(&vendor, "ww1", "https://bell.example/bind/a/back", "s_1", Some(7)),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww1&redirect_uri=https%3A%2F%2Fbell.example\
             %2Fbind%2Fa%2Fback&response_type=code&scope=snsapi_base&state=s_1&agentid=7#wechat_redirect"
        );
        let simulator = "http://127.0.0.1:9".parse().unwrap();
        let there = address(&simulator, "wx1", "http://b", "s", None);
        assert!(there.starts_with("http://127.0.0.1:9/connect/oauth2/authorize?appid=wx1&"), "{there}");
        assert!(!there.contains("agentid"), "{there}");
    }
}

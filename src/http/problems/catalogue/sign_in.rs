//! Of signing in and binding: who somebody is.

use super::{Explained, problem};

pub(super) const ALL: &[Explained] = &[
    problem(
        "not_an_operator",
        409,
        [
            "No operator has this campus account",
            "The campus sign-in said who this is, and no operator is linked to that campus id.",
            "Ask an owner to link the campus id, or sign in with the password.",
        ],
        [
            "该校园账号没有对应的操作员",
            "校园统一身份认证已确认身份，但没有操作员关联此学工号。",
            "请系统管理员关联学工号，或用密码登录。",
        ],
    ),
    problem(
        "link_used",
        409,
        [
            "The link was used already",
            "A one-time link opens once.",
            "Sign in with the password you chose, or ask an administrator for a new link.",
        ],
        ["链接已使用", "一次性链接只能打开一次。", "请用已设置的密码登录，或向管理员索取新的链接。"],
    ),
    problem(
        "not_identified",
        409,
        [
            "WeChat did not say who it is",
            "Whoever signed in is nobody's member, or the code of the sign-in was used or too old.",
            "Open the address inside WeChat or WeCom and begin again.",
        ],
        [
            "微信没有告知身份",
            "登录者不是成员，或者登录代码已使用或过期。",
            "请在微信或企业微信中打开该地址，重新开始。",
        ],
    ),
    problem(
        "not_in_directory",
        409,
        [
            "The directory does not know you",
            "You signed in, and the directory has nobody of that campus id who is active.",
            "Ask the information centre to enter you, then begin again.",
        ],
        [
            "目录里没有你",
            "登录成功，但人员目录里没有这个学工号，或已停用。",
            "请联系信息中心登记，再重新开始。",
        ],
    ),
    problem(
        "sign_in_down",
        409,
        [
            "The campus sign-in cannot be reached",
            "It did not answer, or answered with an error.",
            "Ask for a code in its place, or begin again later.",
        ],
        ["校园统一身份认证暂时无法使用", "对方没有答复，或答复了错误。", "请改用验证码，或稍后重新开始。"],
    ),
    problem(
        "sign_in_first",
        409,
        [
            "Sign in first",
            "A code is only sent while the campus sign-in cannot be reached.",
            "Sign in with the campus sign-in.",
        ],
        ["请先登录", "只有统一身份认证无法使用时才发送验证码。", "请通过校园统一身份认证登录。"],
    ),
    problem(
        "sign_in_refused",
        409,
        [
            "The campus sign-in did not say who you are",
            "The sign-in was broken off, or its answer was used already.",
            "Begin again.",
        ],
        ["统一身份认证没有告知身份", "登录中断，或它的答复已经用过。", "请重新开始。"],
    ),
    problem(
        "sign_in_untrusted",
        409,
        [
            "The campus sign-in’s answer cannot be trusted",
            "It was not made for this installation, not now, or not by whom it says.",
            "Begin again; if it stays, tell the administrators, whose log says what was wrong.",
        ],
        [
            "统一身份认证的答复不可信",
            "它不是为本平台签发，时间不对，或签名不符。",
            "请重新开始；若仍如此，请告知管理员，日志中有原因。",
        ],
    ),
    problem(
        "sign_in_nameless",
        409,
        [
            "The campus sign-in gives no campus id",
            "Who signed in has no such attribute there.",
            "Tell the administrators: they name the attribute in the settings.",
        ],
        ["统一身份认证没有给出学工号", "登录者在那里没有这个属性。", "请告知管理员：属性名在配置中填写。"],
    ),
    problem(
        "start_over",
        409,
        [
            "This cannot go on",
            "A step of binding an identity was done already, or was tried too often.",
            "Begin again at the address where it began.",
        ],
        ["无法继续", "绑定身份的某一步已经完成，或尝试次数过多。", "请回到最初的地址重新开始。"],
    ),
    problem(
        "set_up_already",
        409,
        [
            "The platform is set up already",
            "The first set-up link works only until there is an operator.",
            "Sign in, or ask an administrator for a link of your own.",
        ],
        [
            "平台已完成初始设置",
            "初始设置链接仅在还没有任何管理员时有效。",
            "请直接登录，或向管理员索取您自己的链接。",
        ],
    ),
    problem(
        "too_many_keys",
        409,
        [
            "The source has too many keys",
            "As many keys as a source may have are in use, those that are being replaced included.",
            "Wait until replaced keys have ended, or ask an administrator to revoke keys that nobody uses.",
        ],
        [
            "密钥数量过多",
            "来源系统正在使用的密钥（含轮换过渡期内的旧密钥）已达上限。",
            "请等旧密钥到期，或请管理员吊销不再使用的密钥。",
        ],
    ),
];

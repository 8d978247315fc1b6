//! Of operators and what they may do.

use super::{Explained, problem};

pub(super) const ALL: &[Explained] = &[
    problem(
        "last_owner",
        409,
        [
            "Somebody must own the platform",
            "The operator is the last owner who can still sign in.",
            "Make another operator an owner first.",
        ],
        [
            "必须保留一位系统管理员",
            "该管理员是最后一位可以登录的系统管理员。",
            "请先将另一位管理员设为系统管理员。",
        ],
    ),
    problem(
        "own_rights",
        409,
        [
            "Nobody changes their own rights",
            "The operator, or the role, is one's own: rights are given by somebody else.",
            "Ask another operator who may change rights.",
        ],
        [
            "不能更改自己的权限",
            "该管理员是本人，或该角色由本人持有：权限须由他人授予。",
            "请另一位有权更改权限的管理员操作。",
        ],
    ),
    problem(
        "rights_changed",
        409,
        [
            "The rights were changed meanwhile",
            "What the change was thought of, or proposed, is not what is there now.",
            "Look at the rights as they are now and decide anew.",
        ],
        ["权限已被他人更改", "当前的权限与作出或提出变更时不同。", "请查看现在的权限后重新决定。"],
    ),
    problem(
        "waits_for_second",
        409,
        [
            "A second administrator decides",
            "The change gives rights or opens a way in, which takes effect once another administrator agrees.",
            "Ask another administrator to look at it in the console.",
        ],
        [
            "等待第二位管理员",
            "该变更会增加权限或提供登录方式，须由另一位管理员同意后生效。",
            "请另一位管理员在控制台中处理。",
        ],
    ),
    problem(
        "own_request",
        409,
        [
            "Nobody agrees to what they proposed",
            "The change was proposed by the same operator.",
            "Ask another administrator to decide.",
        ],
        ["不能同意自己提出的变更", "该变更由本人提出。", "请另一位管理员决定。"],
    ),
    problem(
        "one_hand",
        409,
        [
            "One hand may be behind both",
            "One of the two administrators was handed the link by which the other came in, or both links went to the same.",
            "Ask a third administrator to decide, or make a link on the server.",
        ],
        [
            "两人可能出自同一人之手",
            "提出者与同意者中，一人的登录链接曾交给另一人，或两人的链接交给了同一人。",
            "请第三位管理员决定，或在服务器上重新生成登录链接。",
        ],
    ),
    problem(
        "not_your_request",
        409,
        [
            "The change is another's",
            "Only whoever proposed a change withdraws it or says why.",
            "Reject it, if it should not be done.",
        ],
        ["该变更由他人提出", "只有提出者可以撤回或说明原因。", "如不应生效，请退回该变更。"],
    ),
    problem(
        "proposer_gone",
        409,
        [
            "Whoever proposed it may not do it any more",
            "The operator who proposed the change was disabled, or lacks the rights for it by now.",
            "Reject it, and propose it anew if it is still wanted.",
        ],
        [
            "提出者已无权作出该变更",
            "提出该变更的管理员已被停用，或已不具备所需权限。",
            "请退回；如仍需要，请重新提出。",
        ],
    ),
    problem(
        "no_second",
        409,
        [
            "Nobody else could agree",
            "It takes two operators who can sign in and may change operators and settings everywhere.",
            "Let another administrator in first.",
        ],
        [
            "没有第二位可以同意的管理员",
            "至少需要两位能够登录、并在全校管理操作员和修改设置的管理员。",
            "请先添加另一位管理员。",
        ],
    ),
    problem(
        "role_held",
        409,
        [
            "Somebody holds this role",
            "A role is deleted once nobody holds it.",
            "Give those who hold it another role first.",
        ],
        ["仍有管理员持有该角色", "无人持有的角色才能删除。", "请先为持有者改授其他角色。"],
    ),
    problem(
        "link_expired",
        409,
        [
            "The link has expired",
            "One-time links work for a few days only.",
            "Ask an administrator for a new link.",
        ],
        ["链接已过期", "一次性链接仅在数日内有效。", "请向管理员索取新的链接。"],
    ),
    problem(
        "factor_required",
        409,
        [
            "The role must have a second factor",
            "The institution requires a second factor of operators of this role.",
            "Keep it; to move it to another telephone, renew it.",
        ],
        [
            "该角色必须启用第二因素",
            "学校要求该角色的操作员启用第二因素。",
            "请保留；如需更换手机，请使用“换一部手机”。",
        ],
    ),
    problem(
        "own_account",
        409,
        [
            "This is your own account",
            "What an administrator does to another's account is not done to one's own.",
            "Use your own account page, which asks for your password or code first.",
        ],
        [
            "这是你自己的账户",
            "对他人账户的管理操作不适用于自己的账户。",
            "请在“我的账户”中操作，届时会先确认身份。",
        ],
    ),
];

//! A mail relay is added, tried out, mended, and set aside.

use belltower::simulator::{SmtpOptions, SmtpSimulator};

use super::signed_in;
use crate::support::app::TestApp;

#[test]
fn a_relay_is_added_by_form_tried_until_it_passes_and_disabled() {
    signed_in(TestApp::start(), async |_, person| {
        let auth = Some(("bell".to_owned(), "hunter2".to_owned()));
        let relay = SmtpSimulator::start(SmtpOptions { auth, ..SmtpOptions::default() }).await.unwrap();
        person.press("渠道与服务商").await;
        person.sees("有来源系统可以使用邮件，却没有启用的服务商").await;
        person.press("添加邮件服务商").await;
        person.press("SMTP 邮件服务器").await;
        person.fill("名称", "校内邮件").await;
        person.fill("服务器", "127.0.0.1:25").await;
        person.choose("加密", "不加密，只适合本机").await;
        person.fill("端口", &relay.addr().port().to_string()).await;
        person.fill("用户名", "bell").await;
        person.fill("密码", "wrong").await;
        person.fill("发件地址", "bell@bell.example").await;
        person.fill("发件人名称", "钟楼大学").await;
        person.press("保存").await;
        person.sees("请只填主机名或 IP 地址，不带端口。").await;
        assert_eq!(person.fault("服务器").await, "请只填主机名或 IP 地址，不带端口。");
        assert_eq!(person.value("发件地址").await, "bell@bell.example");
        assert_eq!(person.value("密码").await, "", "a secret is not sent back");
        person.fill("服务器", "127.0.0.1").await;
        person.fill("密码", "wrong").await;
        person.press("保存").await;
        person.sees("已添加并启用。请先自检一次。").await;

        person.press("自检").await;
        person.sees("自检未通过").await;
        person.sees("535 5.7.8").await;
        person.press("修改设置").await;
        assert_eq!(person.value("密码").await, "");
        person.fill("密码", "hunter2").await;
        person.press("保存").await;
        person.sees("设置已保存，一秒内生效。").await;
        person.press("自检").await;
        person.sees("自检通过").await;
        person.sees("ESMTP ready").await;
        assert_eq!(relay.stats().auth, 2, "each test signs in once");

        assert_eq!(person.value("邮箱").await, "zhou@bell.example", "their own");
        person.fill("邮箱", "zhou@bell").await;
        person.press("试发").await;
        person.sees("这个地址无法使用，请检查写法。").await;
        assert_eq!(person.value("邮箱").await, "zhou@bell");
        person.fill("邮箱", "zhou@bell.example").await;
        person.press("试发").await;
        person.sees("对方已收下").await;
        person.sees("发往 z***@bell.example").await;
        assert_eq!(relay.mailbox().latest_to("zhou@bell.example").unwrap().summary.subject, "试发");

        person.press("停用").await;
        person.sees("没有其他服务商可以发邮件").await;
        person.press("停用服务商").await;
        person.sees("已停用，不再交给它任何消息。").await;
        person.press("渠道与服务商").await;
        person.sees("校内邮件 SMTP 邮件服务器").await;
        person.sees("有来源系统可以使用邮件，却没有启用的服务商").await;
    });
}

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
        person.sees("请核对账号和密钥").await;
        person.press("渠道与服务商").await;
        person.sees("自检未通过").await;
        person.press("校内邮件").await;
        person.sees("最近一次自检没有通过").await;
        person.press("修改设置").await;
        assert_eq!(person.value("密码").await, "");
        person.fill("密码", "hunter2").await;
        person.press("保存").await;
        person.sees("设置已保存，一秒内生效。").await;
        person.press("自检").await;
        person.sees("自检通过").await;
        person.sees("ESMTP ready").await;
        person.sees("试发一条才知道").await;
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

#[test]
fn a_channel_that_nobody_serves_is_mended_from_the_overview_and_shared_by_weight() {
    signed_in(TestApp::start(), async |_, person| {
        person.press("概览").await;
        person.sees("还没有可用的服务商，消息发不出去").await;
        person.press("添加服务商").await;
        person.is_at("/console/providers/new").await;
        for (name, weight) in [("一号沙箱", "1"), ("二号沙箱", "3")] {
            person.open("/console/providers/new?channel=email&kind=sandbox").await;
            person.fill("名称", name).await;
            person.fill("权重", weight).await;
            person.press("保存").await;
            person.sees("已添加并启用。请先自检一次。").await;
        }
        person.sees("第 1 顺位 分担 75%").await;
        person.press("修改设置").await;
        person.fill("名称", "后备沙箱").await;
        person.fill("优先级", "20").await;
        person.press("保存").await;
        person.sees("第 2 顺位").await;
        person.press("自检").await;
        person.sees("沙箱不联系任何人，总能通过。").await;
        person.press("渠道与服务商").await;
        person.sees("后备沙箱 沙箱 第 2 顺位").await;
        person.press("后备沙箱").await;
        person.sees("自检通过").await;
        person.press("概览").await;
        person.sees("却没有启用的服务商：消息会一直等到过期").await;
        person.press("添加短信服务商").await;
        person.is_at("/console/providers/new?channel=sms").await;
    });
}

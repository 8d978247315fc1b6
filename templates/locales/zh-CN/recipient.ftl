### 收件人看到的页面。

page-withdrawn = 这条消息已撤回
page-withdrawn-more = 发送方已撤回这条消息，原内容不再有效。
page-preferences = 不想再收到这类消息？
page-emergency = 紧急消息会发送给每个人，无法关闭。
page-for-you = 本页面是为您生成的，持有链接的人都能看到。
link-gone = 链接无效或已过期
link-gone-more = 链接可能没有复制完整，或者已经过期。请回到收到消息的地方重新打开。
unsubscribe-title = 消息订阅设置
unsubscribe-about = 主题
unsubscribe-lead = 您会收到这类消息。点击按钮之前，不会有任何改变。
unsubscribe-is-out = 您已退订其中一部分消息。
unsubscribe-topic = 主题 { $topic } 的全部消息
unsubscribe-channel = 仅退订{ $channel }，仍可能通过其他方式收到
unsubscribe-family = { $family } 下的所有消息
unsubscribe-off = 已退订
unsubscribe-stop = 退订
unsubscribe-resume = 恢复接收
unsubscribe-stopped = 已退订，今后不再发送这类消息。
unsubscribe-resumed = 已恢复，今后会继续发送这类消息。
unsubscribe-also = 另外还有这些退订设置也包含它：
unsubscribe-emergencies = 紧急消息会发送给每个人，无法关闭。已经在发送途中的消息仍可能到达。

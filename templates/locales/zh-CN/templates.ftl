### Templates, and texts as each channel brings them.

wording-title = 收到时的样子
wording-note = 随输入更新；未填示例值的变量显示为 ‹变量名›。
language-chinese = 中文
language-english = 英文
wording-refused = 不会发出：{ $why }
wording-unknown-template = 只是估计：服务商填写自己的模板 { $id }，其原文尚未录入。
wording-unknown = 只是估计：服务商填写自己的模板，其原文尚未录入。
wording-unknown-sign = 签名是估计：服务商设置里没有写明签名。
wording-left-out = 放不下，截去 { $count } 个字
wording-left = 再写 { $count } 个字就多计一条
wording-nobody-sms = 还没有短信服务商，按学校签名估算
wording-nobody-wechat = 没有启用微信服务商，不会经微信发出。
wording-vendor-template = 微信模板 { $id }

# What SMS cost, and what departments have for them.

settings-costs = 短信费用
costs-lead = 短信单价和各部门每月的预算。写消息的人在核对时会看到这条消息要花多少。
costs-prices = 单价
costs-currency = 货币
costs-currency-hint = 三个大写字母，如 CNY。
costs-price = 每条短信的价格
costs-price-hint = 按计费条数，如 0.045。不填则只算条数、不算金额。
costs-price-of = { $provider } 的价格
costs-price-of-hint = 与上面相同可不填。
costs-budgets = 每月预算
costs-budgets-hint = 超出预算只提醒，不阻止发送。已发条数在服务商接下时计入消息来源系统的部门，金额按现在的单价折算。
costs-department = 部门
costs-operators = 控制台写的消息
costs-segments = { $month } 已发条数
costs-spent = 折合金额
costs-budget = 每月预算
costs-over = 已超预算
costs-bad-currency = 请填三个大写字母，如 CNY。
costs-bad-amount = 请填金额，如 0.045，最多四位小数。
cost-title = 短信费用
cost-segments = 最多 { $segments } 条（{ $each }）
cost-each = { $people } 人，每人 { $each } 条
cost-money = 约 { $money } { $currency }
cost-no-price = 还没有设置短信单价，暂时算不出金额。
cost-budget = 控制台写的消息本月预算 { $budget }，已用 { $spent }
cost-over = 发出后会超出本月预算。预算只提醒，不阻止发送。

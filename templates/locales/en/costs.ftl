# What SMS cost, and what departments have for them.

settings-costs = SMS costs
costs-lead = The price of an SMS and each department's budget of a month. Whoever writes a message is shown in the proof what it would cost.
costs-prices = Prices
costs-currency = Currency
costs-currency-hint = Three capital letters such as CNY.
costs-price = Price of one SMS
costs-price-hint = Of each segment that is billed, such as 0.045. Without it segments are counted and no money.
costs-price-of = Price by { $provider }
costs-price-of-hint = Leave it empty where it is the same.
costs-budgets = Budgets of a month
costs-budgets-hint = Going over a budget is told and stops nothing. Segments count for the department of the source once a provider took them; the amount is by today's prices.
costs-department = Department
costs-operators = Messages written in the console
costs-segments = Segments in { $month }
costs-spent = Amount
costs-budget = Budget of a month
costs-over = Over budget
costs-bad-currency = Enter three capital letters such as CNY.
costs-bad-amount = Enter an amount such as 0.045, with at most four places.
cost-title = Cost of SMS
cost-segments = At most { $segments } segments ({ $each })
cost-each = { $people } people, { $each } each
cost-money = About { $money } { $currency }
cost-no-price = No price of an SMS is set, so there is no amount yet.
cost-budget = This month's budget of messages written in the console is { $budget }; { $spent } is spent
cost-over = It would go over this month's budget. A budget only tells, it stops nothing.

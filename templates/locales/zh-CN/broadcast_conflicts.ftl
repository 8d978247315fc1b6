conflict-broadcast_state = 广播已进入别的状态，请重新查看。
conflict-broadcast_lapsed = 无人及时审批，广播已作废，没有发给任何人。仍需要时请重新发起。
conflict-broadcast_changed = 查看之后有人对该广播做了操作，请看过现在的内容再决定。
conflict-broadcast_open = 同样的广播已经打开。
conflict-broadcast_said = 已经发过，不会重复发送。
conflict-broadcast_message = 这条消息属于紧急广播，请到该广播的页面操作。
conflict-override_too_early = 第二人的审批时间还没到，请稍候。
conflict-try_again = 同样的广播恰在此刻结束，请再按一次。

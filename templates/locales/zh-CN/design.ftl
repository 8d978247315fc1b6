### 设计一览，仅开发版本可见。

design-title = 设计一览
design-lead = 页面所用的颜色、字号、间距和部件，由页面自己的宏画出。只在开发版本里有。
design-colours = 颜色
design-contrast = 对比度相对页面底色；打勾的可作文字（4.5:1 以上）
design-token = 名称
design-ratio = 对比度
design-readable = 可作文字
design-sizes = 字号
design-spaces = 间距
design-buttons = 按钮与对话框
design-marks = 标记
design-said = 提示
design-good = 已保存。
design-amber = 没有保存：服务商暂时无法连接。
design-forms = 表单
design-charts = 图表
design-nothing = 空状态、占位与翻页

### 接口问题说明页，供对接接口的人阅读。

problems-title = 接口问题
problems-lead = 接口返回错误时，code 是下列之一。
problems-more = 更多页面
docs-title = 接口文档

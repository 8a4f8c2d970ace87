"""What is found wrong, in Chinese: the English template of a `Flaw`, and ours with the same places."""

from collections.abc import Mapping
from types import MappingProxyType

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "1 to 200 characters needed": "须为 1 至 200 个字符",
        "17 characters of the alphabet of GB 32100 needed": "须为 17 位 GB 32100 字符",
        "GraphQL name": "GraphQL 名",
        "a case number of 1 to 64 characters needed": "办件号须为 1 至 64 个字符",
        "a check for secrets ends clear or stopped: no measure makes a secret none": (
            "保密审查结论只能是通过或不通过：任何措施都不能使秘密不再是秘密"
        ),
        "a conclusion has at most {0} characters": "结论最多 {0} 个字",
        "a condition on item {0}, which the resource does not have": (
            "条件涉及的信息项 {0} 在该资源中不存在"
        ),
        "a condition with the operator {0!r}": "条件使用了不支持的运算符“{0}”",
        "a conditional resource states its conditions": "有条件共享的资源须写明共享条件",
        "a contact is named: who can be asked, and how": "须填写联系人和联系方式",
        "a demand names what is wanted, in at most {0} characters": "请写明需要的数据，最多 {0} 个字",
        "a demand says what for, in at most {0} characters": "请写明用于何事，最多 {0} 个字",
        "a department puts its own values right at its source": "本部门的数据由本部门在源头更正",
        "a department's own document": "部门文件",
        "a deputy is of the same department": "代理人须为同一部门人员",
        "a designation says why, in at most {0} characters": "确定数据源须写明理由，最多 {0} 个字",
        "a document has a name of at most {0} characters": "文件须有名称，最多 {0} 个字",
        "a document has no quoted texts and no long numbers: use variables": (
            "查询文档不得含引号文本和长数字：请使用变量"
        ),
        "a grant ends after it begins: revoke it instead": "授权截止须晚于起始：请改为撤销",
        "a grant ends within the time that was asked for": "授权截止须在申请的期限之内",
        "a heading stands twice": "列标题重复",
        "a key id of 1 to 128 characters of base64url needed": "密钥编号须为 1 至 128 个 base64url 字符",
        "a law, an administrative regulation or a State Council decision needed": (
            "须为法律、行政法规或国务院决定"
        ),
        "a letter or minutes": "函或会议纪要",
        "a local document": "地方文件",
        "a mask on item {0}, which is not granted": "对未授权的信息项 {0} 设置了脱敏",
        "a name of 1 to 200 characters needed": "名称须为 1 至 200 个字符",
        "a notice": "通知",
        "a period that ends before it begins": "期间截止早于起始",
        "a plan or scheme": "方案或规划",
        "a reason for opening the source is missing": "缺少开放数据源的理由",
        "a reason is missing": "缺少理由",
        "a reason of 1 to {0} characters needed": "事由须为 1 至 {0} 个字",
        "a refusal states its legal basis": "不予共享须写明法律依据",
        "a refusal states its reason and legal basis": "不予共享须写明理由和法律依据",
        "a refusal's code is one of {0}": "不予共享的原因代码须为 {0} 之一",
        "a request is passed on to another provider than its own two sides": (
            "申请只能转交申请方和现提供方以外的部门"
        ),
        "a request or a basket is named": "须指明申请或申请篮",
        "a rule names the text that sets it": "规则须写明所依据的规定",
        "a scope: at least one of {0} needed": "范围：至少填写 {0} 之一",
        "a source and a table needed": "缺少数据源和数据表",
        "a source stays with its department": "数据源不得变更部门",
        "a state secret": "国家秘密",
        "a system's name of 1 to 200 characters needed": "系统名称须为 1 至 200 个字符",
        "a type code of 1 to 32 capitals and digits needed": "类型代码须为 1 至 32 位大写字母和数字",
        "a work secret": "工作秘密",
        "a {0} source is not read like that": "{0} 数据源不能这样读取",
        "a {0} source needs a reading": "{0} 数据源须说明如何读取",
        "about: {0} entries, 1 to {1} needed": "所涉日志条目 {0} 条，须为 1 至 {1} 条",
        "an active officer needed": "须为在岗人员",
        "an active system and an active matter are needed": "须有启用的系统和启用的事项",
        "an answer has at most {0} characters": "答复最多 {0} 个字",
        "an internal rule": "内部规定",
        "an officer with a separated role stands in for nobody": "三员人员不得代理他人",
        "an officer's staff number and name are needed": "须填写工号和姓名",
        "an operation that is no SHA-256 in hex": "登记操作不是十六进制 SHA-256",
        "an opinion": "意见",
        "as of a day to come: the day whose state the rows tell is needed": (
            "数据截止日期晚于今天：须填写数据所反映的日期"
        ),
        "at least one call a day": "每日调用次数至少为 1",
        "at least one item needed": "至少需要一个信息项",
        "at least one row and one call a day": "每次至少一行、每日至少一次",
        "base data: which items are basic is missing": "基础数据：未标明哪些是基础信息项",
        "baseline days": "共享前时限",
        "calls a day": "每日调用次数",
        "carries a mark of secrecy: it is no government data and is not registered (809 art. 3)": (
            "带有密级标志：不属于政务数据，不得登记（第809号第三条）"
        ),
        "certificate: a type code of 1 to 32 capitals and digits needed": (
            "电子证照：类型代码须为 1 至 32 位大写字母和数字"
        ),
        "certificate: an item for identifier or number needed": "电子证照：须有证照标识或证照编号的信息项",
        "certificate: item {0} cannot be named {1}, which every certificate has": (
            "电子证照：信息项 {0} 不能取名 {1}，这是每种证照都有的名称"
        ),
        "certificate: item {0} is {1}, {2} needed for {3}": "电子证照：信息项 {0} 的类型为{1}，{3} 须为{2}",
        "certificate: no item {0} for {1}": "电子证照：{1} 所指信息项 {0} 不存在",
        "certificate: no role {0}": "电子证照：没有“{0}”这一角色",
        "certificate: status and last day must be those by which records stand": (
            "电子证照：状态项和有效期截止项须与判断记录有效性的信息项一致"
        ),
        "certificate: the key must identify the holder": "电子证照：主键须能确定持证主体",
        "certificate: the name of the type is needed": "电子证照：缺少证照类型名称",
        "certificate: the words for valid must be those by which records stand": (
            "电子证照：表示有效的状态词须与判断记录有效性的词一致"
        ),
        "certificate: word {0} means {1}, one of the seven statuses needed": (
            "电子证照：状态词“{0}”对应“{1}”，须为七种状态之一"
        ),
        "channel {0!r} is none": "没有“{0}”这种使用方式",
        "channels": "使用方式",
        "class {0}, its items need {1}": "资源为{0}共享，其信息项要求{1}共享",
        "code {0} names base data: {1} needed": "代码 {0} 属于基础数据：须为{1}",
        "code: {0}": "资源代码：{0}",
        "columns {0} needed": "缺少列：{0}",
        "conditional: the conditions in words are missing": "有条件共享：缺少共享条件说明",
        "conditional: the purposes are missing": "有条件共享：缺少用途",
        "conditional: who may have it is missing (departments, or * for any)": (
            "有条件共享：缺少可以使用的部门（* 表示任何部门）"
        ),
        "consent {0!r}, none or required needed": "当事人同意“{0}”：须为 none 或 required",
        "contact: the e-mail address is none": "联系方式：电子邮箱格式不正确",
        "contact: the telephone number is none": "联系方式：电话号码格式不正确",
        "contact: the unit needed": "联系方式：缺少单位",
        "data level {0}, 1 to 4 needed": "数据级别 {0}，须为 1 至 4",
        "days: {0}, 1 to {1} working days needed": "天数：{0}，须为 1 至 {1} 个工作日",
        "declared to hold {0}: it is no government data and is not registered (809 art. 3)": (
            "声明含有{0}：不属于政务数据，不得登记（第809号第三条）"
        ),
        "department {0} registered no item that means {1}": "部门 {0} 没有登记含义为“{1}”的信息项",
        "department {0}: a name of 1 to 200 characters needed": "部门 {0}：名称须为 1 至 200 个字符",
        "department {0}: a region code of 6 to 12 digits needed": "部门 {0}：区划代码须为 6 至 12 位数字",
        "department {0}: kind {1}, {2} needed": "部门 {0}：代码种类为 {1}，须为 {2}",
        "department {0}: stands above itself": "部门 {0}：不能是自身的上级",
        "department: {0} is not registered": "部门：{0} 未登记",
        "different subjects a day": "每日不同当事人数",
        "distribution by {0}, which is no sharing method of the resource": (
            "发布方式为{0}，但该资源没有这种共享方式"
        ),
        "each resource stands in a basket once": "同一资源在申请篮中只能出现一次",
        "each step says something, in at most {0} characters": "每一步须有说明，最多 {0} 个字",
        "empty": "为空",
        "expires: later than now and within a year needed": "截止时间：须晚于现在且在一年之内",
        "field and list are both named {0}": "字段与列表同名：{0}",
        "field name {0!r} cannot be used": "字段名“{0}”不可使用",
        "group {0} has {1} words, 2 to {2} needed": "第 {0} 组有 {1} 个词，须为 2 至 {2} 个",
        "group {0}: words of 1 to {1} characters needed": "第 {0} 组：每个词须为 1 至 {1} 个字",
        "headings missing: {0}": "缺少列标题：{0}",
        "holds a NUL character": "含有 NUL 字符",
        "implementing rules": "实施细则",
        "item {0!r}: a name of 1 to 64 letters, digits, _ or - needed": (
            "信息项“{0}”：名称须为 1 至 64 个字母、数字、_ 或 -"
        ),
        "item {0} ({1}) is registered by {2}: the authority designates the source first": (
            "信息项 {0}（{1}）已由 {2} 登记：须先由主管部门确定数据源部门"
        ),
        "item {0} cannot be matched": "信息项 {0} 不能用于比对",
        "item {0} is not shared": "信息项 {0} 不予共享",
        "item {0} was not asked for": "信息项 {0} 未经申请",
        "item {0}: GraphQL name {1!r} cannot be used": "信息项 {0}：GraphQL 名“{1}”不可使用",
        "item {0}: a basic item of base data is {1}, unconditional needed (51号 art. 10)": (
            "信息项 {0}：基础数据的基础信息项为{1}共享，须为无条件共享（51号文第十条）"
        ),
        "item {0}: a code of {1} characters, its length is {2}": (
            "信息项 {0}：有 {1} 个字符的代码，而长度为 {2}"
        ),
        "item {0}: a key of type {1}, text or a whole number needed": (
            "信息项 {0}：主键类型为{1}，须为文本或整数"
        ),
        "item {0}: basic, but the resource is no base data": (
            "信息项 {0}：标为基础信息项，但该资源不是基础数据"
        ),
        "item {0}: code {1!r} stands twice": "信息项 {0}：代码“{1}”重复",
        "item {0}: data level {1}, 1 to 4 needed": "信息项 {0}：数据级别 {1}，须为 1 至 4",
        "item {0}: each code needs a value and a title": "信息项 {0}：每个代码须有代码值和名称",
        "item {0}: length {1}, 1 or more needed": "信息项 {0}：长度 {1}，须为 1 以上",
        "item {0}: ordinal {1}": "信息项 {0}：序号 {1} 不正确",
        "item {0}: ordinal {1}, name {2} and GraphQL name {3} belong together for ever": (
            "信息项 {0}：序号 {1}、名称 {2} 与 GraphQL 名 {3} 一经登记不得拆改"
        ),
        "item {0}: sensitive personal information is unconditional": (
            "信息项 {0}：敏感个人信息不得无条件共享"
        ),
        "item {0}: threshold {1!r} is no {2} as it is written": "信息项 {0}：门槛值“{1}”不是{2}的规范写法",
        "item {0}: thresholds are claimed, so it has to be matched and no key": (
            "信息项 {0}：设门槛值须可比对且不是主键"
        ),
        "item {0}: thresholds from the lowest to the highest, each once, needed": (
            "信息项 {0}：门槛值须从小到大排列且不重复"
        ),
        "item {0}: thresholds of a {1}, a number or a date needed": (
            "信息项 {0}：类型为{1}，只有数值或日期可设门槛值"
        ),
        "item {0}: {1!r} is no place in the answer": "信息项 {0}：“{1}”不是返回内容中的位置",
        "item {0}: {1} codes, {2:,} at most": "信息项 {0}：代码 {1} 个，最多 {2:,} 个",
        "item {0}: {1} thresholds, {2} at most": "信息项 {0}：门槛值 {1} 个，最多 {2} 个",
        "items {0} are not shared: document, article, text and level of the law needed": (
            "信息项 {0} 不予共享：须填写依据文件、条款、条文和效力层级"
        ),
        "items: at least one needed": "至少选择一个信息项",
        "keyword": "关键词",
        "keyword {0!r}: 1 to 50 characters needed": "关键词“{0}”：须为 1 至 50 个字",
        "legal_basis": "法律依据",
        "listing: item {0} identifies a person": "列表查询：信息项 {0} 能识别个人",
        "listing: item {0} is {1}, unconditional needed": "列表查询：信息项 {0} 为{1}共享，须为无条件共享",
        "listing: item {0} must be matchable and without a mask": "列表查询：信息项 {0} 须可比对且不脱敏",
        "listing: item {0} of type {1} has no order that every source knows": (
            "列表查询：信息项 {0} 的类型{1}没有各数据源一致的次序"
        ),
        "listing: item {0} stands twice": "列表查询：信息项 {0} 重复",
        "listing: no item {0}": "列表查询：没有信息项 {0}",
        "listing: only an unconditional resource that is not personal can be listed": (
            "列表查询：只有无条件共享且不含个人信息的资源可以列表"
        ),
        "maintenance ends within {0} days from now": "维护须在 {0} 日内结束",
        "matching item {0} was not asked for": "比对项 {0} 未经申请",
        "matter {0} is none of the requesting department": "事项 {0} 不属于申请部门",
        "matter {0}, material {1}: {2}: {3}": "事项 {0}，材料 {1}：{2}：{3}",
        "matter {0}: 1 to 1,000 parties needed": "事项 {0}：当事人上限须为 1 至 1,000",
        "matter {0}: a name of 1 to 200 characters needed": "事项 {0}：名称须为 1 至 200 个字符",
        "matter {0}: kind {1} needed": "事项 {0}：代码种类须为 {1}",
        "matter {0}: material {1} stands twice": "事项 {0}：材料 {1} 重复",
        "matter {0}: the case number's pattern is none (RE2)": (
            "事项 {0}：办件号规则不是合法的正则表达式（RE2）"
        ),
        "matter {0}: {1}": "事项 {0}：{1}",
        "matters": "事项",
        "name": "名称",
        "names: at least one needed": "名称：至少一个",
        "no day off in {0}: the notice has not appeared yet, or another file is needed": (
            "{0} 年没有放假日：通知尚未发布，或文件不对"
        ),
        "no item to read is left": "没有剩下可读取的信息项",
        "no matter {0} is registered": "没有登记事项 {0}",
        "no name that a law has": "不像法律的名称",
        "no name that a regulation has": "不像行政法规的名称",
        "nobody acts": "没有办理人",
        "nobody is asked for it and nothing supplies it: a resource or type code needed": (
            "标为免提交却没有供给来源：须填写共享资源代码或证照类型代码"
        ),
        "nobody is their own deputy": "不得由本人代理本人",
        "not 1 to 128 letters, digits or signs of a project or parcel number": (
            "不是由 1 至 128 个字母、数字或符号组成的项目或地块编号"
        ),
        "not 17 digits and a check character (GB 11643)": "不是 17 位数字加校验码（GB 11643）",
        "not 18 characters of the alphabet of GB 32100": "不是 18 位 GB 32100 字符",
        "not CSV: {0}": "不是 CSV：{0}",
        "not UTF-8 at byte {0}": "第 {0} 字节处不是 UTF-8",
        "not a code of 1 to 128 letters, digits and the characters . _ / -": (
            "不是 1 至 128 位字母、数字及 . _ / - 组成的代码"
        ),
        "not a document that would be answered: {0}": "该查询文档不会得到答复：{0}",
        "not issued by the State Council": "非国务院制发",
        "not one of the words or numbers that stand here": "不是此列允许的词或数字",
        "not shared: article {0!r}, one as 第十二条 needed": (
            "不予共享：条款“{0}”，须写作“第十二条”这样的形式"
        ),
        "not shared: basis of level {0!r}, {1} needed": (
            "不予共享：依据的效力层级为“{0}”，须为法律、行政法规或国务院决定"
        ),
        "not shared: document, article, text and level of the law needed": (
            "不予共享：须填写依据文件、条款、条文和效力层级"
        ),
        "not shared: {0} is {1}; {2}": "不予共享：《{0}》属于“{1}”；{2}",
        "not the address of a published file": "不是已发布文件的地址",
        "not type, issuer, serial, version and check in capitals and digits": (
            "不是由大写字母和数字组成的类型、颁发机构、流水号、版本和校验位"
        ),
        "not under the root {0}": "不在根节点 {0} 之下",
        "nothing would be taken away": "没有收回任何内容",
        "nothing would change": "没有任何变更",
        "officers: at least one needed": "人员：至少一人",
        "one party stands twice": "同一当事人重复",
        "online depth {0}, 1 to 4 needed": "网上办理深度 {0}，须为 1 至 4",
        "open to the public on conditions: the conditions needed": "有条件开放：缺少开放条件",
        "open to the public without conditions, and {0} to departments": (
            "无条件向社会开放，而对部门为{0}共享"
        ),
        "ordinal": "序号",
        "post {0}: {1} needed": "岗位“{0}”：须为 {1}",
        "promised days": "承诺时限",
        "purpose {0!r} is none": "没有“{0}”这种用途类型",
        "purpose {0} is not one that {1} allows": "资源 {1} 不允许“{0}”用途",
        "purposes": "用途",
        "reason {0!r}: {1} or {2} needed": "理由“{0}”：须为 {1} 或 {2}",
        "reason {0}: 1 to {1} characters needed": "理由“{0}”：须为 1 至 {1} 个字",
        "reason {0}: no item {1}": "理由“{0}”：没有信息项 {1}",
        "recipient": "可使用的部门",
        "recipients: * stands alone": "可使用的部门：* 须单独填写",
        "records a day": "每日记录条数",
        "records of one answer": "每次答复记录条数",
        "related resource": "关联资源",
        "related resource: itself": "关联资源：不能是自身",
        "resource {0} has no item {1}": "资源 {0} 没有信息项 {1}",
        "resource {0} is {1}, announced needed": "资源 {0} 尚未发布或已撤回，须为已发布",
        "resource {0} is {1}: it needs no decision": "资源 {0} 为{1}共享，无须审批",
        (
            "resource {0} names no region of its records, so it cannot flow back to a lower level:"
            " an item with the region's code (行政区划代码) needed"
        ): ("资源 {0} 未标明记录所属区划，不能向下级回流：须有行政区划代码的信息项"),
        "resource {0}: a source of its department needed": "资源 {0}：须使用本部门的数据源",
        "resource {0}: listed by others, it must be conditional": (
            "资源 {0}：目录由他人代为编列，须为有条件共享"
        ),
        "rows": "行数",
        "rule {0!r}: noun.words-with-dashes needed, such as request.answer": (
            "规则“{0}”：名称须形如 request.answer"
        ),
        "rule {0} counts in {1}s, not in {2}s": "规则 {0} 以 {1} 计，不以 {2} 计",
        "scenario": "使用场景",
        "sharing method": "共享方式",
        "source {0} belongs to another department": "数据源 {0} 属于其他部门",
        "source {0}: a description of 1 to {1} characters needed": (
            "数据源 {0}：描述文件须为 1 至 {1} 个字符"
        ),
        "source {0}: a file is published by its department": "数据源 {0}：文件由所属部门发布",
        "source {0}: a time limit of 1 to 60,000 ms needed": "数据源 {0}：时限须为 1 至 60,000 毫秒",
        "source {0}: a waiting source without secret needed": "数据源 {0}：须为待开放且不含口令的数据源",
        "source {0}: a {1} source describes itself": "数据源 {0}：{1} 数据源自带描述，不另附描述文件",
        "source {0}: an address needed": "数据源 {0}：缺少地址",
        "source {0}: the password stands in the address, not in a secret": (
            "数据源 {0}：口令写在了地址中，须存为密文"
        ),
        "source {0}: the user in the address needs a secret": (
            "数据源 {0}：地址中写有用户名，须另附口令密文"
        ),
        "source {0}: kind {1} needed": "数据源 {0}：种类须为 {1}",
        "statutory days": "法定时限",
        "subjects": "主体数",
        "system {0} is none of the requesting department": "系统 {0} 不属于申请部门",
        "systems": "系统",
        "systems and matters: at least one each needed": "系统和事项：各须至少一个",
        "the GraphQL names of resource {0} are kept for ever": "资源 {0} 的 GraphQL 名不得变更",
        "the assessment of personal information ended with: not to be shared": (
            "个人信息保护影响评估结论为：不得共享"
        ),
        "the assessment of personal information is missing": "缺少个人信息保护影响评估",
        "the check character of the certificate's identifier does not fit": "证照标识校验码不正确",
        "the check character of the resident's number does not fit": "公民身份号码校验码不正确",
        "the check character of the unified social credit code does not fit": (
            "统一社会信用代码校验码不正确"
        ),
        "the check for secrets ended with: not to be registered": "保密审查结论为：不得登记",
        "the check for secrets is missing": "缺少保密审查",
        "the code of another line": "与另一行的代码相同",
        "the end of the maintenance needs a zone: 2026-12-01T06:00+08:00": (
            "维护结束时间须带时区，如 2026-12-01T06:00+08:00"
        ),
        "the entry names who may have it, and not department {0}": (
            "目录规定了可以使用的部门，部门 {0} 不在其中"
        ),
        "the file's digest is no SHA-256": "文件摘要不是 SHA-256",
        "the first officer is administrator and nothing else": "首位人员只能是系统管理员",
        "the form that matter {0} prescribes": "须符合事项 {0} 规定的编号格式",
        "the grant would end before it begins": "授权截止将早于起始",
        "the name of the file with the conclusion is needed": "须填写结论文件名称",
        "the notice that arranges the year is named": "须写明安排该年节假日的通知",
        "the number of the government's document is needed": "须填写政府文件文号",
        "the outcome with which the case is closed is missing": "缺少办结结果",
        "the pause ends when the grant has ended: revoke it, or pause it shorter": (
            "暂停截止时授权已到期：请撤销授权，或缩短暂停时间"
        ),
        "the reasons why it is given back": "退回的理由",
        "the request ends before it begins": "申请的使用期限截止早于起始",
        "the requesting department has no region, a code of GB/T 2260 needed": (
            "申请部门没有登记区划，须填写 GB/T 2260 区划代码"
        ),
        "the resident's number holds no date of birth": "公民身份号码中的出生日期不正确",
        "the resource does not serve the purpose {0}": "该资源不用于“{0}”用途",
        "the resource's data level is below that of one of its items": "资源的数据级别低于其信息项的级别",
        "the responsible officer belongs to the system's department": "责任人须属于系统所在部门",
        "the rule ends before it begins": "规则失效早于生效",
        "the same as row {0}": "与第 {0} 行相同",
        "the sharing method is missing (interface, table, file)": "缺少共享方式（接口、库表、文件）",
        "the subject of {0} is {1}": "资源 {0} 的主体为{1}",
        "the supplement is empty": "补正内容为空",
        "the time ends before it begins, or is over already": "期限截止早于起始，或已经过期",
        "type name {0!r} cannot be used": "类型名“{0}”不可使用",
        "unit {0!r}, one of {1} needed": "单位“{0}”：须为 {1} 之一",
        "unknown heading {0!r}": "未知的列标题“{0}”",
        "update cycle irregular, and rows of {0} days at most: one of both": (
            "更新周期为不定期，又规定数据最多陈旧 {0} 日：只能取其一"
        ),
        "update cycle of {0} days, 0 to 3,660 needed": "更新周期 {0} 日，须为 0 至 3,660 日",
        "update cycle {0}: rows of {1} days, {2} at most": "更新周期{0}：数据可陈旧 {1} 日，最多 {2} 日",
        "upstream: not connected, so it has neither source nor table": (
            "上级数据：未接入，不应有数据源和数据表"
        ),
        "upstream: nothing is served, so nothing is listed or looked up in an emergency": (
            "上级数据：不提供数据，因此不能列表查询或应急查询"
        ),
        "upstream: the way to ask is missing": "上级数据：缺少申请途径",
        "upstream: what its holder decides on is conditional here": (
            "上级数据：由持有单位决定的数据在此为有条件共享"
        ),
        "upstream: who holds it is missing": "上级数据：缺少持有单位",
        "validity: no item {0}": "有效性：没有信息项 {0}",
        "validity: the words that mean valid are needed": "有效性：须填写表示有效的状态词",
        "value {0}, 1 to {1} needed": "数值 {0}，须为 1 至 {1}",
        "volume: at least one record a month, or nothing said": "预计用量：每月至少 1 条，或留空",
        "what is taken away is named": "须指明收回的内容",
        "what is to be supplemented is named": "须写明需要补正的内容",
        "what is wrong is said in words, at most {0} characters": "请说明错误之处，最多 {0} 个字",
        "what was destroyed, where and how is said in words": "须写明销毁了什么、在何处、以何方式",
        "what was found is missing": "缺少核查情况",
        "what was found is needed in words": "须写明审查评估情况",
        "why a part of the grant is taken away is said in words": "须写明收回部分授权的理由",
        "why it is passed on": "转交的理由",
        "why it is withdrawn": "撤回的理由",
        "why more time is needed": "需要延长的理由",
        "why no more time is given is said": "须写明不同意延期的理由",
        "why the grant is to change is said in words": "须写明变更授权的理由",
        "why the value stands is said in words": "请说明维持原值的理由",
        "year {0}, {1} to {2} needed": "年份 {0}，须为 {1} 至 {2}",
        "{0!r} is no JSON Pointer": "“{0}”不是 JSON Pointer",
        "{0!r} is no day, YYYY-MM-DD needed": "“{0}”不是日期，须为 YYYY-MM-DD",
        "{0!r}: a request, a grant or a correction is disputed": "{0}：只能就申请、授权或校核提起争议",
        "{0}": "{0}",
        "{0} cannot be without a bound": "{0}须有限定",
        "{0}, {1}": "{0}、{1}",
        "{0} of department {1}": "部门 {1} 的 {0}",
        "how it was handed over": "移交的方式",
        "no resource {0} in the catalogue": "目录中没有资源 {0}",
        "no department {0}": "没有部门 {0}",
        "resource {0} is of department {1}": "资源 {0} 属于部门 {1}",
        "line {0}: {1}": "第 {0} 行：{1}",
        "{0} bytes, at most {1} needed": "{0} 字节，最多 {1} 字节",
        "{0} bytes, at most {1} taken": "{0} 字节，最多接受 {1} 字节",
        "{0} calls a day, {1} were asked for": "每日 {0} 次，申请的是 {1} 次",
        "{0} cells, {1} needed": "{0} 个单元格，须为 {1} 个",
        "{0} characters, 1 to {1} needed": "{0} 个字，须为 1 至 {1} 个字",
        "{0} characters, 17 digits needed": "{0} 个字符，须为 17 位数字",
        "{0} characters, 17 of the alphabet of GB 32100 needed": "{0} 个字符，须为 17 位 GB 32100 字符",
        "{0} files, at most {1} attached": "附件 {0} 个，最多 {1} 个",
        "{0} groups of synonyms, at most {1} needed": "同义词 {0} 组，最多 {1} 组",
        "{0} is held above and served to nobody": "资源 {0} 由上级持有，本平台不提供数据",
        "{0} is missing": "缺少{0}",
        "{0} is named both as worked and as off": "{0} 同时列为上班和放假",
        "{0} is no day of {1}": "{0} 不是 {1} 年的日期",
        "{0} is said in words": "须写明{0}",
        "{0} is worked anyhow: only Saturdays and Sundays are made up": (
            "{0} 本来就是工作日：只有周六、周日可以调休上班"
        ),
        "{0} key items, exactly one needed": "主键项 {0} 个，须恰好一个",
        "{0} keywords, {1} at most": "关键词 {0} 个，最多 {1} 个",
        "{0} minutes, 1 to {1} needed": "{0} 分钟，须为 1 至 {1} 分钟",
        "{0} more working days, 1 to {1} can be asked for": "延长 {0} 个工作日，可申请 1 至 {1} 个工作日",
        "{0} parties, 1 to {1} needed": "当事人 {0} 个，须为 1 至 {1} 个",
        "{0} per cent, 0 to 100 needed": "{0}%，须为 0 至 100",
        "{0} reasons, 1 to {1} needed": "退回理由 {0} 条，须为 1 至 {1} 条",
        "{0} resources, 1 to {1} needed": "资源 {0} 个，须为 1 至 {1} 个",
        "{0} trips, 0 to 100 needed": "到场次数 {0}，须为 0 至 100",
        "{0} working days after {1} lie past the last date": "{1} 之后 {0} 个工作日超出日期范围",
        "{0} working days, 1 to {1} needed": "{0} 个工作日，须为 1 至 {1}",
        "{0} would be more than before": "{0} 不能比原来多",
        "{0} {1} a day, at least one needed": "每日{1} {0}，至少为 1",
        "{0} {1} stands twice": "{0} {1} 重复",
        "{0}: a gzip file needed": "{0}：须为 gzip 文件",
        "{0}: a number and no bound at once": "{0}：不能既填数值又不限定",
        "{0}: an empty one": "{0}：有空值",
        "{0}: an item that is not shared is never given, in no emergency either": (
            "{0}：不予共享的信息项在应急时也不提供"
        ),
        "{0}: at least 1 needed": "{0}：至少为 1",
        "{0}: at least one needed": "{0}：至少一项",
        "{0}: at most {1}": "{0}：最多 {1}",
        "{0}: no active supervisor or auditor": "{0}：不是在岗的监督人员或审计管理员",
        "{0}: no item of {1}": "{0}：不是资源 {1} 的信息项",
        "{0}: not announced for emergencies by {1}": "{0}：部门 {1} 未公布可供应急查询",
        "{0}: nothing would be left": "{0}：将不剩任何内容",
        "{0}: of a department that is under review": "{0}：属于被核查部门",
        "{0}: {1}": "{0}：{1}",
        "{0}: {1} characters, 1 to {2} needed": "{0}：{1} 个字，须为 1 至 {2} 个字",
        "{0}: {1} is not in the grant": "{0}：{1} 不在授权范围内",
        "{0}: {1} named, {2} at most": "{0}：列出 {1} 个，最多 {2} 个",
        "{0}: {1}, 0 to 3,650 working days needed": "{0}：{1}，须为 0 至 3,650 个工作日",
        "{0}:{1}:{2}: {3}": "{0}:{1}:{2}: {3}",
    }
)

"""Entries of a made-up catalogue, all different, with what each is about: the judged set asks for that."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

REGIONS = {
    "guangan": ("广安区", "Guangan"), "qianfeng": ("前锋区", "Qianfeng"), "yuechi": ("岳池县", "Yuechi"),
    "wusheng": ("武胜县", "Wusheng"), "linshui": ("邻水县", "Linshui"), "huaying": ("华蓥市", "Huaying"),
    "shunqing": ("顺庆区", "Shunqing"), "gaoping": ("高坪区", "Gaoping"), "jialing": ("嘉陵区", "Jialing"),
    "langzhong": ("阆中市", "Langzhong"), "fucheng": ("涪城区", "Fucheng"), "youxian": ("游仙区", "Youxian"),
    "jiangyou": ("江油市", "Jiangyou"), "santai": ("三台县", "Santai"), "yanting": ("盐亭县", "Yanting"),
    "zitong": ("梓潼县", "Zitong"), "lizhou": ("利州区", "Lizhou"), "zhaohua": ("昭化区", "Zhaohua"),
    "cangxi": ("苍溪县", "Cangxi"), "jiange": ("剑阁县", "Jiange"), "tongchuan": ("通川区", "Tongchuan"),
    "dachuan": ("达川区", "Dachuan"), "xuanhan": ("宣汉县", "Xuanhan"), "kaijiang": ("开江县", "Kaijiang"),
    "bazhou": ("巴州区", "Bazhou"), "enyang": ("恩阳区", "Enyang"), "nanjiang": ("南江县", "Nanjiang"),
    "pingchang": ("平昌县", "Pingchang"), "anju": ("安居区", "Anju"), "shehong": ("射洪市", "Shehong"),
    "daying": ("大英县", "Daying"), "dongxing": ("东兴区", "Dongxing"), "longchang": ("隆昌市", "Longchang"),
    "weiyuan": ("威远县", "Weiyuan"), "zizhong": ("资中县", "Zizhong"), "yanjiang": ("雁江区", "Yanjiang"),
    "anyue": ("安岳县", "Anyue"), "lezhi": ("乐至县", "Lezhi"), "cuiping": ("翠屏区", "Cuiping"),
    "nanxi": ("南溪区", "Nanxi"),
}  # fmt: skip
"""Id → Chinese and English name."""

TOPICS = {
    "marriage": ("婚姻登记", "Marriage registration", "登记日期 男方姓名 女方姓名"),
    "adoption": ("收养登记", "Adoption registration", "收养人 被收养人 送养机构"),
    "lowincome": ("最低生活保障", "Subsistence allowance", "家庭人口 保障金额 审批日期"),
    "disabled": ("残疾人证", "Disability certificate", "残疾类别 残疾等级 监护人"),
    "birth": ("出生医学证明", "Birth certificate", "新生儿姓名 母亲姓名 出生医院"),
    "death": ("死亡证明", "Death certificate", "死亡日期 死亡原因 户籍地"),
    "household": ("户籍", "Household register", "户主 户号 迁入日期"),
    "residence": ("居住证", "Residence permit", "居住地址 签发日期 有效期"),
    "property": ("不动产登记", "Real estate registration", "不动产单元号 坐落 面积"),
    "mortgage": ("不动产抵押", "Real estate mortgage", "抵押权人 抵押金额 债务期限"),
    "planning": ("建设用地规划许可", "Land planning permit", "用地单位 用地性质 用地面积"),
    "building": ("建筑工程施工许可", "Construction permit", "建设单位 合同工期 工程造价"),
    "fire": ("消防验收", "Fire safety acceptance", "验收结论 消防设施 使用性质"),
    "business": ("营业执照", "Business licence", "统一社会信用代码 法定代表人 经营范围"),
    "food": ("食品经营许可", "Food business permit", "主体业态 经营项目 仓库地址"),
    "drug": ("药品经营许可", "Drug trading permit", "质量负责人 经营方式 仓库地址"),
    "device": ("医疗器械备案", "Medical device filing", "产品名称 分类编码 备案人"),
    "hospital": ("医疗机构执业许可", "Medical institution licence", "诊疗科目 床位数 主要负责人"),
    "doctor": ("医师执业证书", "Physician practice certificate", "执业类别 执业范围 执业地点"),
    "teacher": ("教师资格", "Teacher qualification", "任教学科 资格种类 认定机构"),
    "school": ("民办学校办学许可", "Private school permit", "办学层次 校长 招生范围"),
    "student": ("学籍", "Student enrolment", "入学年份 班级 就读方式"),
    "pension": ("养老保险缴费", "Pension contribution", "缴费基数 缴费月数 参保状态"),
    "medical": ("医疗保险参保", "Medical insurance", "险种类型 待遇类别 定点机构"),
    "unemployment": ("失业登记", "Unemployment registration", "失业原因 求职意向 登记时间"),
    "injury": ("工伤认定", "Work injury determination", "事故时间 受伤部位 认定结论"),
    "labour": ("劳动合同备案", "Labour contract filing", "合同期限 工种 用工形式"),
    "fund": ("住房公积金", "Housing provident fund", "缴存比例 账户余额 贷款额度"),
    "tax": ("纳税信用等级", "Tax credit rating", "评价年度 评价得分 主管税务机关"),
    "invoice": ("发票领用", "Invoice issuance", "票种 份数 领用日期"),
    "pollution": ("排污许可", "Pollution discharge permit", "污染物种类 排放限值 排放口"),
    "water": ("取水许可", "Water abstraction permit", "取水量 水源类型 取水用途"),
    "forest": ("林木采伐许可", "Timber felling permit", "采伐树种 采伐蓄积 更新期限"),
    "seed": ("种子生产经营许可", "Seed production permit", "作物种类 加工设备 品种名称"),
    "vet": ("动物防疫条件合格证", "Animal epidemic prevention certificate", "养殖场 存栏量 防疫措施"),
    "vehicle": ("机动车登记", "Motor vehicle registration", "号牌号码 车辆识别代号 发动机号"),
    "driver": ("驾驶证", "Driving licence", "准驾车型 累积记分 初次领证日期"),
    "taxi": ("出租汽车经营许可", "Taxi operation permit", "车辆数 经营区域 经营期限"),
    "bus": ("公交线路", "Bus routes", "站点 首末班时间 里程"),
    "freight": ("道路货物运输许可", "Road freight permit", "吨位 运输范围 押运员"),
    "lift": ("电梯注册", "Lift registration", "设备代码 检验日期 维保单位"),
    "boiler": ("锅炉使用登记", "Boiler use registration", "额定压力 安装单位 作业人员"),
    "blasting": ("烟花爆竹零售许可", "Fireworks retail permit", "存放限量 零售点 安全距离"),
    "chemical": ("危险化学品经营许可", "Hazardous chemicals permit", "危化品名 储存方式 安全主任"),
    "printing": ("印刷经营许可", "Printing business permit", "印刷种类 设备数量 委印单位"),
    "cinema": ("电影放映许可", "Film screening permit", "银幕数 座位数 院线"),
    "relics": ("文物保护单位", "Protected cultural relics", "年代 保护级别 管护人"),
    "library": ("公共图书馆", "Public library", "藏书量 阅览座席 开放时间"),
    "sports": ("体育场馆", "Sports venues", "场地类型 开放时段 收费标准"),
    "charity": ("慈善组织", "Charity organisation", "募捐资格 章程 年度支出"),
}  # fmt: skip
"""Id → Chinese and English name, and what is found among its items only."""

KINDS = {
    "records": ("信息", "records"), "list": ("名录", "directory"), "statistics": ("统计数据", "statistics"),
    "results": ("办理结果", "outcomes"), "penalties": ("行政处罚记录", "penalties"),
    "inspections": ("监督检查记录", "inspections"), "complaints": ("投诉举报", "complaints"),
    "archive": ("历史档案", "archive"), "changes": ("变更记录", "changes"),
    "withdrawn": ("注销记录", "cancellations"),
}  # fmt: skip
SPANS = {
    "": ("", ""), "y2021": ("2021年", "2021"), "y2022": ("2022年", "2022"), "y2023": ("2023年", "2023"),
    "y2024": ("2024年", "2024"),
}  # fmt: skip
CLASSES = ("unconditional", "conditional", "not-shared")
WHOLE = len(REGIONS) * len(TOPICS) * len(KINDS) * len(SPANS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One entry and what it is about."""

    code: str
    region: str
    topic: str
    kind: str
    span: str
    name: str
    name_en: str
    abstract: str
    items: tuple[str, ...]
    sharing_class: str


def make_entries(most: int) -> Iterator[Made]:
    """Yield so many entries of all topics alike; fewer have the first eight regions and the first spans."""
    places = itertools.product(
        enumerate(SPANS), enumerate(KINDS), enumerate(REGIONS), enumerate(TOPICS)
    )
    if most < WHOLE:
        places = iter(sorted(places, key=lambda one: (one[2][0] // 8, one[0][0]))[:most])
    for number, ((s, span), (k, kind), (r, region), (t, topic)) in enumerate(places):
        zh, en, items = TOPICS[topic]
        region_zh, region_en = REGIONS[region]
        yield Made(
            code=f"3{k:02d}{t:03d}/{r:03d}{s}{k:02d}",
            region=region,
            topic=topic,
            kind=kind,
            span=span,
            name=f"{region_zh}{SPANS[span][0]}{zh}{KINDS[kind][0]}",
            name_en=" ".join(f"{region_en} {en} {KINDS[kind][1]} {SPANS[span][1]}".split()),
            abstract=f"由{region_zh}主管部门汇集，供各部门履行职责时使用。",
            items=tuple(items.split()),
            sharing_class=CLASSES[number % 3],
        )

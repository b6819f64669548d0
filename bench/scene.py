"""A day of four counties for the console: made reports at real places (real_data), and what became of
their tickets, so that every view has something in it. The same seed gives the same scene."""
import datetime
import random

TOWNS = {"610428": "长武", "6109": "安康", "140428": "长子", "330803": "衢江"}
# Limits of a drill: two categories whose lights change while one looks on.
DRILL = (("accept: 10m,\n     dispatch: 20m, sign: 30m, on_scene: 1h, handle: 2h, check: 1h, follow_up: none, overall: 4h",
          "accept: 8s,\n     dispatch: 10s, sign: 10s, on_scene: 20s, handle: 30s, check: 1m, follow_up: none, overall: 2m"),
         ("accept: 30m, dispatch: 30m, sign: 1h,\n     on_scene: 1h, handle: 4wh, check: 1h, follow_up: none, overall: 6wh",
          "accept: 60s, dispatch: 40s, sign: 1m,\n     on_scene: 2m, handle: 5m, check: 1m, follow_up: none, overall: 10m"))
MATTERS = (
    ("exposed_garbage", "snapshot", "村口垃圾堆放多日未清运"), ("streetlight", "app", "路灯连续三盏不亮"),
    ("road_damage", "patrol", "路面破损，有坑洞"), ("ponding", "hotline", "雨后道路积水，车辆难行"),
    ("dispute", "contact_grid", "邻里因宅基地边界争执"), ("service_request", "property_service", "请代办高龄补贴认证"),
    ("appeal_general", "direct_line", "公交末班车时间过早"), ("utility_outage", "service_hotline", "整栋楼停水"),
    ("rubble", "handheld", "建筑渣土占道"), ("road_dirty", "village_circle", "主干道抛洒"),
    ("street_bbq", "wechat", "夜间露天烧烤扰民"), ("water_body", "patrol", "河道漂浮物"),
    ("illegal_building", "deputy_station", "屋顶搭建彩钢房"), ("petition", "walk_in", "征地补偿款疑问"),
    ("red_tier_need", "handheld", "独居老人需送医"), ("open_burning", "camera", "田间焚烧秸秆"),
)


def drill_policy(text):
    """The built-in policy's text with two categories on limits of seconds and minutes."""
    for slow, fast in DRILL:
        assert text.count(slow) >= 1, "the built-in policy's limits have changed"
        text = text.replace(slow, fast, 1)
    return text


def instant(seconds_ago=0):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class Scene:
    """`post(path, body)` gives the answer's object; `places` are rows (code, parent, level, name, lat, lon)."""

    def __init__(self, post, places, seed=7):
        self.post, self.random, self.count = post, random.Random(seed), 0
        self.places = [place for place in places if place[4] and int(place[2]) >= 4 and place[0].startswith(tuple(TOWNS))]
        assert len(self.places) > 50

    def report(self, category, place, **fields):
        """One report near a place; its answer."""
        self.count += 1
        lat, lon = float(place[4]), float(place[5])
        shift = fields.pop("shift", (self.random.uniform(-.01, .01), self.random.uniform(-.01, .01)))
        return self.post("/v1/reports", {
            "id": f"scene-{self.count}", "source": fields.pop("source", "scene"), "category": category,
            "occurred_at": instant(fields.pop("ago", 0)), "grid": place[0],
            "location": {"lat": round(lat + shift[0], 6), "lon": round(lon + shift[1], 6), "accuracy_m": fields.pop("accuracy_m", 10)},
            "device": f"device-{self.count}", **fields})

    def act(self, ticket, command, **fields):
        self.count += 1
        return self.post(f"/v1/tickets/{ticket}/{command}", {"command_id": f"scene-{self.count}", **fields})

    def place(self, prefix):
        return self.random.choice([place for place in self.places if place[0].startswith(prefix)])

    def play(self, matters=60):
        """Everything; the names of the tickets that are worth opening."""
        for number in range(matters):
            self.matter(number)
        shown = {"joint": self.joint(), "suspended": self.suspended(), "pending": self.pending(), "reworked": self.reworked()}
        shown["directive"] = self.directive()
        self.near_misses()
        shown.update(self.fires())
        shown["gas"] = self.gas()
        return shown

    def matter(self, number):
        """One everyday matter, taken some way along: its number says how far."""
        category, channel, text = MATTERS[number % len(MATTERS)]
        place = self.random.choice(self.places)
        answer = self.report(category, place, channel=channel, text=f"{place[3]}：{text}", reporter=f"居民{number}", ago=self.random.randrange(600))
        ticket, far = answer["ticket"], number % 7
        if self.random.random() < 0.3:
            self.report(category, place, channel="hotline", text=f"{place[3]}附近：{text}，请尽快处理", shift=(0, 0))
        steps = (("accept", {}), ("dispatch", {}), ("sign", {"actor": "班组长"}), ("progress", {"actor": "班组长", "on_scene": True, "note": "已到现场"}),
                 ("submit_result", {"actor": "班组长", "closure": "handled", "note": "已处理完毕，现场照片已传"}), ("check_pass", {"actor": "核查员", "note": "属实"}))
        for command, fields in steps[:far]:
            self.act(ticket, command, **fields)
        return ticket

    def joint(self):
        answer = self.report("road_damage", self.place("140428"), channel="patrol", text="路基塌陷伴随燃气管线外露，需多部门联合处置")
        ticket = answer["ticket"]
        self.act(ticket, "accept")
        self.act(ticket, "whistle", lead="road_maintenance", decision="joint", note="塌陷处有燃气与供水管线",
                 units=[{"unit": "gas_company", "mandatory": True}, {"unit": "water_company", "mandatory": True}, {"unit": "traffic_bureau", "mandatory": False}])
        self.act(ticket, "sign", actor="道路班", role="unit", actor_unit="road_maintenance")
        self.act(ticket, "sign", actor="燃气抢修", role="unit", actor_unit="gas_company")
        self.act(ticket, "progress", actor="燃气抢修", role="unit", actor_unit="gas_company", on_scene=True, note="已关阀，压力稳定")
        self.act(ticket, "submit_result", actor="燃气抢修", role="unit", actor_unit="gas_company", closure="handled", note="管线已加固")
        return ticket

    def suspended(self):
        ticket = self.handled_by("illegal_building", "330803", "urban_management")
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=9)
        self.act(ticket, "request_suspension", actor="城管中队", role="unit", actor_unit="urban_management", reason="legal_procedure", until=until.strftime("%Y-%m-%dT%H:%M:%SZ"), note="已立案，待听证")
        self.act(ticket, "approve", actor="督查室", role="supervisor")
        return ticket

    def pending(self):
        ticket = self.handled_by("water_body", "6109", "water_bureau")
        self.act(ticket, "request_extension", actor="水务所", role="unit", actor_unit="water_bureau", limit="3wd", reason="连日降雨，无法下河")
        self.act(ticket, "supervise", actor="督查室", role="supervisor", note="群众多次反映")
        return ticket

    def reworked(self):
        ticket = self.handled_by("streetlight", "610428", "streetlight_office")
        self.act(ticket, "submit_result", actor="路灯班", role="unit", actor_unit="streetlight_office", closure="handled", note="已更换灯泡")
        self.act(ticket, "check_fail", actor="核查员", role="checker", reason="仍有一盏不亮")
        return ticket

    def handled_by(self, category, prefix, unit):
        ticket = self.report(category, self.place(prefix), channel="snapshot", text="群众上报，附照片")["ticket"]
        self.act(ticket, "accept", actor="受理员")
        self.act(ticket, "dispatch", unit=unit, actor="派遣员")
        self.act(ticket, "sign", actor="经办人", role="unit", actor_unit=unit)
        return ticket

    def directive(self):
        towns = [place for place in self.places if place[2] == 4 and place[0].startswith("330803")][:6]
        issued = self.post("/v1/directives", {"text": "入汛前完成排水口巡查", "issuer": "县防指", "receipt_limit": "1h", "execution_limit": "24h",
                                     "addressees": [{"region": town[0]} for town in towns]})
        for ticket in issued["tickets"][:4]:
            self.act(ticket, "sign", actor="乡镇值班")
        for ticket in issued["tickets"][:2]:
            self.act(ticket, "submit_result", actor="乡镇值班", closure="handled", note="已巡查，无堵塞")
        self.act(issued["tickets"][0], "check_pass", actor="核查员")
        return issued["directive"]

    def near_misses(self):
        """Two puddles that may be one: each is told of the other."""
        place = self.place("6109")
        self.report("rubble", place, channel="patrol", text="渣土一处", shift=(0, 0))
        self.report("rubble", place, channel="patrol", text="渣土又一处，相距百米", shift=(0.0012, 0))

    def fires(self):
        """One fire seen by two towers, a satellite and a villager; one that a single camera sees."""
        place = next(place for place in self.places if place[0].startswith("330803") and place[2] == 4)
        first = self.report("forest_fire", place, channel="camera", source="tower-a", text="一号塔：林区烟雾", shift=(0.05, -0.06), accuracy_m=5,
                            bearing={"azimuth_deg": 125, "cone_deg": 8, "range_km": 12})
        self.report("forest_fire", place, channel="camera", source="tower-b", text="二号塔：烟柱", shift=(0.045, 0.08), accuracy_m=5,
                    bearing={"azimuth_deg": 238, "cone_deg": 8, "range_km": 12})
        self.report("forest_fire", place, channel="satellite", source="modis", shift=(0.003, 0.012), accuracy_m=1000, text="MODIS 热点",
                    attributes={"satellite": "Terra", "confidence": 86})
        self.report("forest_fire", place, channel="hotline", text="山上着火了，火势往村里走", shift=(0.004, 0.013), accuracy_m=300, severity="extreme")
        self.report("forest_fire", self.place("610428"), channel="camera", source="tower-c", text="疑似烟雾", severity="severe",
                    bearing={"azimuth_deg": 40, "cone_deg": 6, "range_km": 9}, accuracy_m=5)
        return {"fire": first["ticket"], "fire_incident": first["incident"]}

    def gas(self):
        place = self.place("610428")
        answer = None
        for text in ("三单元楼道有很浓的煤气味", "闻到煤气味，头晕", "楼下管道井嘶嘶响"):
            answer = self.report("gas_leak", place, channel="hotline", text=text, shift=(0, 0))
        return answer["ticket"]

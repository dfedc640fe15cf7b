"""The configuration as frozen models: every key, its type, its range and its default.

Law: a `Config` holds parsed values only (packed addresses, names, AS ranges,
absolute paths), in the configured order, and every default is filled in, so
that it can be printed and read back equal. What one key alone can tell is
checked here; what two keys tell together is checked in `sparrow.config.check`.
Start from `Config`. `docs/configuration.md` is the operator's side of this.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from sparrow.config import fields, places, shape
from sparrow.config.asking import FeedConfig, RouteServerConfig
from sparrow.config.feeding import GobgpConfig
from sparrow.config.fields import Endpoint, or_null, whole
from sparrow.config.guarding import (
    FailoverConfig,
    GuardsConfig,
    HttpConfig,
    LastResortConfig,
    NotifyConfig,
)
from sparrow.config.health import CheckDefaults, CheckItem, Families, HoldDown, Require
from sparrow.config.keys import (
    DAY_S,
    Flag,
    Host,
    Label,
    ListenOn,
    Model,
    Path,
    PathOrNull,
    Ttl,
    TtlOrNull,
    ViewOf,
    Vip,
)
from sparrow.config.powerdns import PdnsConfig
from sparrow.config.ranking import MAX_HOPS, GeoOrNone, HysteresisConfig, Override, RankingConfig
from sparrow.config.sanity import DEFAULT_SANITY, SanityConfig
from sparrow.config.shape import NAME, checked, entries, some
from sparrow.values.address import parse_address
from sparrow.values.asn import AsnRange
from sparrow.values.name import Name
from sparrow.values.peer import PeerChoice

DEFAULT_SERVICE = "default"
"""Name of the service that exists without being configured."""

MAX_TTL = 2**31 - 1
"""RFC 2181 section 8."""
MAX_SERIAL = 2**32 - 1
"""RFC 1982: a serial is 32 bits."""

_LOCAL_LISTEN = (Endpoint(parse_address("127.0.0.1"), 5300), Endpoint(parse_address("::1"), 5300))
_LOCAL_SSRS = Endpoint(parse_address("127.0.0.1"), 7777)

RouteFileFormat = Literal["ssrs", "pfx2as", "mrt"]
Timer = Annotated[int, checked(whole(0, MAX_TTL))]
LastResortOrNull = Annotated[LastResortConfig | None, shape.null_or(shape.split_resort)]


class TcpConfig(Model):
    """What DNS clients over TCP may take up."""

    connections: Annotated[int, checked(whole(1, 65535))] = 1000
    """Most open connections in all."""
    per_address: Annotated[int, checked(whole(1, 65535))] = 100
    """Most open connections from one client address."""
    idle_s: Annotated[int, checked(whole(1, 3600))] = 10
    """Seconds without a query before a connection is closed."""


class ServerConfig(Model):
    """The process: where it listens, what it calls itself, where it keeps things."""

    listen: Annotated[tuple[ListenOn, ...], some] = _LOCAL_LISTEN
    """DNS over UDP and TCP, in configured order."""
    workers: Annotated[int | None, checked(fields.parse_workers)] = None
    """Processes that answer, 1 to 256; None to leave it to the program."""
    nsid: Annotated[str | None, checked(or_null(fields.short_text(128)))] = None
    """Name of this server in NSID (RFC 5001), `id.server` and `hostname.bind`; None for none."""
    version: Annotated[str | None, checked(or_null(fields.short_text(255)))] = None
    """Answer to `version.bind`; None hides it."""
    run_dir: PathOrNull = None
    """Absolute folder of sockets and locks; None: see `locate.find_folders`."""
    state_dir: PathOrNull = None
    """Absolute folder of what outlives a restart; None: see `locate.find_folders`."""
    user: Annotated[str | None, checked(or_null(fields.parse_user))] = None
    """Account to change to after the sockets are open; None to stay."""
    cookie_secret: PathOrNull = None
    """Absolute path of the secret of DNS cookies (RFC 9018); None: see `locate.find_folders`."""
    tcp: TcpConfig = TcpConfig()
    """Limits of DNS over TCP."""


class SiteConfig(Model):
    """A place that users are sent to."""

    name: Label = Field(validation_alias=NAME)
    """Unique among the sites."""
    asn: tuple[Annotated[AsnRange, checked(fields.parse_asns)], ...] = ()
    """AS numbers whose routes lead to the site."""
    vips: tuple[Vip, ...] = ()
    """Packed addresses of both families, in the order in which they are answered."""
    fallback: tuple[Label, ...] = ()
    """Names of the sites to use in its place, best first."""
    location: Annotated[tuple[float, float] | None, checked(or_null(places.parse_location))] = None
    """Latitude, north positive, and longitude, east positive, in degrees; None if unknown."""
    bias: Annotated[int, checked(whole(-MAX_HOPS, MAX_HOPS))] = 0
    """Hops that a path to it counts less; negative for more."""
    checks: tuple[CheckItem, ...] = ()
    """What tells whether it can serve; () for nothing: it is up."""
    require: Require = "all"
    """Which checks must succeed for the site to be up; a number for at least so many."""
    families: Families = "independent"
    """`site`: where one address family is down, the other is down with it."""
    hold_down_s: HoldDown = Field(default=0.0, alias="hold_down")
    """Seconds that a site which has recovered is still held down."""
    manual_resume: Flag = False
    """True: a site that went down stays down until an operator says otherwise."""


class ServiceVips(Model):
    """Addresses that a service has at one site, instead of the site's own."""

    site: Label = Field(validation_alias=NAME)
    """Name of the site."""
    vips: Annotated[tuple[Vip, ...], some]
    """Packed addresses of both families, in the order in which they are answered."""


def halve(ttl_s: int) -> int:
    """Give half of a TTL in whole seconds, rounded up."""
    return -(-ttl_s // 2)


class ServiceConfig(Model):
    """Something that runs at some of the sites."""

    name: Label = Field(validation_alias=NAME)
    """Unique among the services."""
    sites: Annotated[tuple[Label, ...], some] = ()
    """Names of the sites where it runs; once in a `Config`, never left to a default."""
    vips: tuple[ServiceVips, ...] = ()
    """Sites where it has addresses of its own."""
    ttl: TtlOrNull = None
    """Seconds that its answers may be kept; None for the zone's `ttl`."""
    ttl_min: TtlOrNull = None
    """Fewest seconds to which checks may lower `ttl`; half of it, rounded up, unless configured.

    None only beside a `ttl` of None: the zone's `ttl_min`.
    """
    last_resort: LastResortOrNull = None
    """What it answers where no site can serve; None for `failover.last_resort`."""

    @field_validator("vips", mode="before")
    @classmethod
    def _split_vips(cls, value: object) -> object:
        return shape.split_entries(value, "site", under="vips")

    @model_validator(mode="after")
    def _fill_ttl_min(self) -> Self:
        if self.ttl is not None and self.ttl_min is None:
            object.__setattr__(self, "ttl_min", halve(self.ttl))
        return self

    def own_vips(self, site: str) -> tuple[bytes, ...]:
        """Give the addresses that the service has of its own at a site; () for none."""
        return next((own.vips for own in self.vips if own.site == site), ())


class RouteFileConfig(Model):
    """A table of routes in a file."""

    kind: Literal[" file"] = Field(validation_alias=NAME)
    file: Path = Field(examples=["/etc/ssrs.routes"])
    """Absolute path."""
    format: Annotated[RouteFileFormat, checked(fields.one_of(*get_args(RouteFileFormat)))] = "ssrs"
    """How the file is written."""
    peer: Annotated[PeerChoice | None, checked(or_null(fields.parse_neighbour))] = None
    """Of `mrt`, the neighbour whose paths count; None to choose among all."""
    sanity: SanityConfig = DEFAULT_SANITY
    """Of `mrt`, which of its routes count."""
    view: ViewOf = None
    """Name of the site from which the routes are seen; None for the common view."""


def _name_kind(item: object) -> object:
    return shape.name_kind(item, "gobgp", "route_server", otherwise="file")


RouteItem = Annotated[
    RouteFileConfig | GobgpConfig | RouteServerConfig,
    Field(discriminator="kind"),
    BeforeValidator(_name_kind),
]


class SoaConfig(Model):
    """The start of authority (RFC 1035 section 3.3.13)."""

    mname: Host = Field(examples=["ns1.example.org."])
    """Primary name server."""
    rname: Annotated[Name, checked(fields.parse_mailbox)] = Field(
        examples=["hostmaster@example.org"]
    )
    """Mailbox of who is responsible, as a domain name."""
    serial: Annotated[int, checked(whole(0, MAX_SERIAL))] = 1
    """Version of the zone."""
    refresh: Timer = 28800
    """Seconds between the looks of a secondary."""
    retry: Timer = 7200
    """Seconds to its next look after a failed one."""
    expire: Timer = 604800
    """Seconds after which a secondary that reached nobody gives the zone up."""
    minimum: Timer = 300
    """Seconds that "there is no such thing" may be kept (RFC 2308)."""
    ttl: Timer = 0
    """Seconds that the SOA record itself may be kept; `minimum` unless configured."""

    @model_validator(mode="after")
    def _fill_ttl(self) -> Self:
        self._fill("ttl", self.minimum)
        return self


class SteerConfig(Model):
    """A name whose addresses are those of the client's nearest site."""

    name: Annotated[Name, checked(fields.parse_owner)] = Field(validation_alias=NAME)
    """Absolute name, at or below the zone's."""
    service: Label = DEFAULT_SERVICE
    """Name of the service that answers."""


class ZoneConfig(Model):
    """A zone that is answered with authority."""

    name: Annotated[Name, checked(fields.parse_zone_name)] = Field(validation_alias=NAME)
    """Absolute name of the apex."""
    soa: SoaConfig | None = None
    """Start of authority; None where `file` brings it."""
    ns: Annotated[tuple[Host, ...], some] = ()
    """Name servers of the zone; () where `file` brings them."""
    ttl: Ttl = 30
    """Seconds that a steered answer may be kept."""
    ttl_min: Ttl = 0
    """Fewest seconds to which checks may lower that; half of `ttl` unless configured."""
    ns_ttl: Annotated[int, checked(whole(0, 7 * DAY_S))] = 60
    """Seconds that the records of `ns` may be kept."""
    file: PathOrNull = None
    """Absolute path of a master file with the rest of the zone; None for none."""
    steer: tuple[SteerConfig, ...] = ()
    """Steered names in configured order; the apex unless configured."""
    result_count: Annotated[int | None, checked(or_null(whole(1, 64)))] = None
    """Most addresses in a steered answer; None for all of the site."""
    debug_names: Flag = False
    """True: `site-nl.NAME` answers with site nl for each steered NAME but wildcards."""

    @field_validator("soa", mode="before")
    @classmethod
    def _refuse_empty_soa(cls, value: object) -> object:
        return shape.not_empty(value)

    @field_validator("steer", mode="before")
    @classmethod
    def _split_steer(cls, value: object, info: ValidationInfo) -> object:
        zone = info.data.get("name")
        return () if zone is None else shape.split_steer(value, zone)

    @model_validator(mode="after")
    def _fill_rest(self) -> Self:
        self._fill("steer", (SteerConfig.model_validate({NAME: ("@", self.name)}),))
        self._fill("ttl_min", halve(self.ttl))
        return self

    def ttls_of(self, service: ServiceConfig) -> tuple[int, int]:
        """Give for how many seconds a steered answer may be kept here, at most and at least."""
        most = self.ttl if service.ttl is None else service.ttl
        return most, self.ttl_min if service.ttl_min is None else service.ttl_min


class SsrsConfig(Model):
    """The route query port."""

    listen: ListenOn = _LOCAL_SSRS
    """Where it listens, TCP."""
    password: Annotated[str | None, checked(or_null(fields.parse_password))] = Field(
        default=None, repr=False
    )
    """What a client must say; None to take whatever it says."""
    open: Flag = False
    """True: reachable from elsewhere without a password, and meant to be."""
    hostname: Annotated[str | None, checked(or_null(fields.parse_hostname))] = None
    """Name in the prompt; None for the machine's own."""
    idle_s: Annotated[int, checked(whole(1, DAY_S))] = 600
    """Seconds without a line before a session is closed."""
    connections: Annotated[int, checked(whole(1, 1024))] = 64
    """Most sessions at once."""
    per_address: Annotated[int, checked(whole(1, 1024))] = 16
    """Most sessions of one client address at once."""


class Config(Model):
    """All that an operator has configured, and the defaults for the rest."""

    server: ServerConfig = ServerConfig()
    """The process."""
    self_site: Annotated[str | None, checked(or_null(fields.parse_label))] = Field(
        default=None, alias="self"
    )
    """Name of the site that answers where no route names one; None only without sites."""
    sites: Annotated[tuple[SiteConfig, ...], entries("site")] = ()
    """The sites, in configured order; empty only without zones."""
    services: Annotated[tuple[ServiceConfig, ...], entries("service")] = ()
    """The services, in configured order; `default` stands first unless configured."""
    routes: tuple[RouteItem, ...] = ()
    """Route files, then live sources; of equal prefixes the one that stands last wins."""
    zones: Annotated[tuple[ZoneConfig, ...], entries("zone")] = ()
    """The zones, in configured order; none for the route daemon alone."""
    ssrs: SsrsConfig | None = None
    """The route query port; None for none."""
    checks: CheckDefaults = CheckDefaults()
    """When checks run and when they count, unless one says otherwise."""
    failover: FailoverConfig = FailoverConfig()
    """What happens when sites go down."""
    guards: GuardsConfig = GuardsConfig()
    """What a new table must fulfil."""
    geo: GeoOrNone = None
    """What tells where clients are; None where no distance is known."""
    ranking: RankingConfig = RankingConfig()
    """How sites that have views are put in order."""
    hysteresis: HysteresisConfig | None = None
    """When clients may change their site because a route changed; None for at once."""
    overrides: tuple[Override, ...] = ()
    """Clients that are sent to a site whatever is known of them, in configured order."""
    notify: NotifyConfig | None = None
    """Who is told of transitions; None for nobody."""
    http: HttpConfig | None = None
    """The listener for metrics; None for none."""
    pdns: PdnsConfig | None = None
    """Where PowerDNS asks; None for nowhere."""

    @field_validator("ssrs", "notify", "http", "pdns", "hysteresis", mode="before")
    @classmethod
    def _refuse_empty(cls, value: object) -> object:
        return shape.not_empty(value)

    @model_validator(mode="after")
    def _fill_names(self) -> Self:
        sites = tuple(self._with_timing(site) for site in self.sites)
        object.__setattr__(self, "sites", sites)
        if self.sites and self.self_site is None:
            object.__setattr__(self, "self_site", self.sites[0].name)
        services = tuple(self._with_sites(service) for service in self.services)
        if all(service.name != DEFAULT_SERVICE for service in services):
            default = self._with_sites(ServiceConfig.model_validate({NAME: DEFAULT_SERVICE}))
            services = (default, *services) if default.sites else services
        object.__setattr__(self, "services", services)
        return self

    def _with_timing(self, site: SiteConfig) -> SiteConfig:
        checks = tuple(check.with_defaults(self.checks) for check in site.checks)
        return site.model_copy(update={"checks": checks})

    def _with_sites(self, service: ServiceConfig) -> ServiceConfig:
        """Let a service that names no sites run wherever it has an address."""
        if service.sites:
            return service
        able = tuple(site.name for site in self.sites if site.vips or service.own_vips(site.name))
        return service.model_copy(update={"sites": able})

    @property
    def route_files(self) -> tuple[RouteFileConfig, ...]:
        """Give the sources of routes that are files."""
        return tuple(each for each in self.routes if isinstance(each, RouteFileConfig))

    @property
    def feeds(self) -> tuple[FeedConfig, ...]:
        """Give the sources of routes that are live."""
        return tuple(each for each in self.routes if not isinstance(each, RouteFileConfig))

    @property
    def is_asking(self) -> bool:
        """Tell whether somebody is asked about clients without a route."""
        return any(isinstance(each, RouteServerConfig) for each in self.routes)

    def site(self, name: str) -> SiteConfig | None:
        """Give the site called `name`; None where there is none."""
        return next((site for site in self.sites if site.name == name), None)

    def vips_of(self, service: ServiceConfig, site: str) -> tuple[bytes, ...]:
        """Give what answers for `service` at a site: its addresses there, else the site's."""
        found = self.site(site)
        return service.own_vips(site) or (found.vips if found else ())

"""A project that is open: everything built, wired, started and stopped. The composition root."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec

from api.attempts import Attempts
from api.authentication import authenticate
from api.platform import HttpSettings, Platform, WatcherStatus
from commands.kernel import OutcomeUnknown, Overloaded, StorageFull
from commands.policies.runs import OpenRun
from commands.policies.syncs import SyncPolicy
from commands.policies.upkeep import UpkeepPolicy
from commands.ports import Progress
from commands.table import DECIDERS
from domain.projects import ProjectCreated
from domain.registry import EVENTS
from domain.sources import Source
from domain.upcasters import UPCASTERS
from infra import keys
from infra.configuration import dotenv
from infra.configuration.project import Settings
from infra.configuration.watch import Configuration
from infra.history import LogHistory
from infra.identities.providers import providers
from infra.ids import new_id, new_token
from infra.loading.settings import LoadSettings
from infra.log.envelope import Codec
from infra.log.places import archive, open_log, remote
from infra.log.port import LogInUse, Place
from infra.log.vault import Vault
from infra.mailer import SmtpMailer
from infra.passwords import Argon2Passwords
from infra.policies import Runner
from infra.project import Project, ProjectInUse
from infra.querying.settings import Settings as QuerySettings
from infra.rebuild import ViewsUpkeep
from infra.secret_values import VaultValues
from infra.seen import SeenFile
from infra.uploads import UploadFolders
from infra.views.views import Views
from infra.warehouse.keeper import Keeper
from infra.warehouse.lake import LakeWarehouse, encoded, kinds, write_lease
from infra.warehouse.settings import Settings as WarehouseSettings
from infra.watcher import watching
from infra.workers.pool import Pool
from infra.writer import Writer
from projections import live, sources, syncs
from projections import secrets as secrets_known
from projections.live import Ring
from projections.table import PROJECTIONS

ERASE_S: Final = 10.0  # until what was deleted from the vault is gone from the disk too

_log = logging.getLogger("dango.runtime")


def clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def program_version() -> str:
    """The version that is installed."""
    try:
        return version("dango-es")
    except PackageNotFoundError:
        return "0.0.0"


class LogUnusable(Exception):
    """The event log is missing, empty or damaged."""


class Runtime:
    """Everything of one project in one process. `platform` is what the ways in use."""

    def __init__(
        self,
        project: Project,
        settings: Settings,
        *,
        host: str | None = None,
        port: int | None = None,
        new_log: Place | None = None,
    ) -> None:
        """Opens log, vault and views; catches the views up.

        The log is the project's, or one that begins at `new_log`. Raises KeyUnusable,
        VaultDamaged, ProjectInUse, and LogUnusable: without the accounts of its log a project is
        not opened at all.
        """
        self.project, self.settings = project, settings
        self._open_log(new_log)
        self._warehouse_settings = warehouse_settings(project, settings)
        self.pool = Pool(
            worker_configs(self._warehouse_settings),
            kinds=kinds(self._warehouse_settings),
            lease=write_lease(self._warehouse_settings),
        )
        self.warehouse = LakeWarehouse(self.pool, self._warehouse_settings)
        self.ring = Ring(self.log.head())
        self.writer.listeners.append(self.ring.committed)
        self.history = LogHistory(self.log, self.codec, self.pool)
        self.upkeep = ViewsUpkeep(self.views, self.writer, self.pool, self.log)
        self.passwords = Argon2Passwords()
        self.secret_values = VaultValues(self.vault)
        self.seen = SeenFile(project.seen)
        smtp = settings.notifications.smtp
        self.mailer = None if smtp is None else SmtpMailer(smtp)
        self.configuration = Configuration(project, self.writer, self.vault.digest)
        self.syncs = self._sync_policy()
        upkeep = UpkeepPolicy(
            self.writer, self.warehouse, retention_days=settings.storage.warehouse.retention_days
        )
        self.runner = Runner(self.log, self.codec, self.writer, (self.syncs, upkeep))
        self.watcher = watching(project.root, settings.platform, self.writer, self.views)
        self._keeper: Keeper | None = None
        self._expiry: asyncio.Task[None] | None = None
        self.platform = self._platform(host, port)

    def _open_log(self, new: Place | None) -> None:
        """Log, vault, views and the writer over them."""
        project = self.project
        place = new or log_place(project, self.settings)
        master = keys.load(project.master_key)
        if new is None:
            check_log(place)
        self.codec = Codec(EVENTS, UPCASTERS)
        try:
            self.log = open_log(place)
        except LogInUse as error:
            raise ProjectInUse(str(error)) from None
        self.vault = Vault(self.log, keys.unlock(master, self.log), clock)
        self.vault.check()
        self.views = Views(
            project.folder, self.log, self.codec, clock, projections=PROJECTIONS, events=EVENTS
        )
        self.writer = Writer(
            self.log,
            self.vault,
            self.views,
            codec=self.codec,
            deciders=DECIDERS,
            clock=clock,
            new_id=new_id,
        )

    def _sync_policy(self) -> SyncPolicy:
        def source(name: str) -> Source | None:
            found = sources.one(self.views.current, name)
            return found.config if found else None

        def open_runs() -> Sequence[OpenRun]:
            return [
                OpenRun(
                    run.job, run.source, run.status == "running", run.schema_name, run.table_name
                )
                for run in syncs.unended(self.views.current)
            ]

        return SyncPolicy(
            self.writer,
            self.warehouse,
            source=source,
            root=str(self.project.root),
            secrets=self.secret_values,
            formats=lambda name: sources.formats(self.views.current, name),
            request=self.history.event,
            open_runs=open_runs,
            monotonic=time.monotonic,
            show=self._show_progress,
            parallel=self.settings.sync.max_parallel,
        )

    def _show_progress(self, run: tuple[int, str], progress: Progress) -> None:
        """A frame for whoever watches; not an event, so it has no position."""
        job, source = run
        fields = {"job": job, "source": source, **msgspec.structs.asdict(progress)}
        frame = live.progress(clock(), "source.view", "sync_progress", fields)
        self.ring.publish([frame])

    def _platform(self, host: str | None, port: int | None) -> Platform:
        return Platform(
            bus=self.writer,
            answers=self.writer,
            secrets=self.vault,
            views=self.views,
            history=self.history,
            upkeep=self.upkeep,
            warehouse=self.warehouse,
            passwords=self.passwords,
            seen=self.seen,
            authenticate=authenticate,
            clock=clock,
            new_id=new_id,
            new_token=new_token,
            attempts=Attempts(
                per_network=self.settings.auth.failed_logins_per_network_max,
                of_strangers=self.settings.auth.failed_logins_max,
            ),
            settings=http_settings(self.settings, host=host, port=port),
            version=program_version(),
            started_at=clock(),
            progress=self.syncs.progress,
            ring=self.ring,
            checks=(self._views_stand, self._writer_failed, self._policies_stand),
            providers=providers(self.settings.auth.oauth, clock),
            editor=self.configuration,
            watcher=lambda: WatcherStatus(**self.watcher.status()),
            uploads=UploadFolders(self.project.root),
            secret_values=self.secret_values,
            root=str(self.project.root),
            mailer=self.mailer,
            reload=self.configuration.reload,
        )

    # readiness

    def _views_stand(self) -> str | None:
        return None if self.views.broken is None else f"The views have stopped: {self.views.broken}"

    def _writer_failed(self) -> str | None:
        return self.writer.failed

    def _policies_stand(self) -> str | None:
        return self.runner.problem()

    # life

    async def start(self, *, policies: bool = True) -> None:
        """Begin to take commands, take the configuration, end what a dead process left open.

        Without `policies` nothing is ended or begun that is not asked for. Whoever starts must
        stop, also when the start fails.
        """
        self.writer.start()
        self._expiry = asyncio.create_task(self._tidy())
        if self._warehouse_settings.embedded:
            if not self.project.catalog.exists():
                await self.make_warehouse()
            self._keeper = Keeper(self.project.catalog)
        self.pool.start()
        await self._take_over_secrets()
        await self.configuration.start()
        if policies:
            self.upkeep.healed = self._follow
            await self._follow()
            await self.watcher.start()

    async def _take_over_secrets(self) -> None:
        """What an existing project's `.env` has goes to the vault, once."""
        if self.views.broken is None:  # else the next start does it
            known = {secret.name for secret in secrets_known.every(self.views.current)}
            await dotenv.take_over(self.project.root / dotenv.FILE, self.writer, known)

    async def _follow(self) -> None:
        """Let the policies follow the log, as soon as the views stand."""
        if self.views.broken is None and not self.runner.running:
            await self.runner.start()

    async def _tidy(self) -> None:
        """Delete what has run out from the vault, and what is deleted from the disk; mend views."""
        while True:
            # Told elsewhere, and tried again.
            with contextlib.suppress(Overloaded, OutcomeUnknown, StorageFull, *self.log.errors):
                if self.views.broken is not None:
                    await self.writer.call(self.views.resume)
                    await self._follow()
                if self.vault.expired():
                    await self.writer.transact(self.vault.expire)
                if self.log.unerased:
                    await self.writer.call(self.log.erase)
            await asyncio.sleep(ERASE_S)

    async def make_warehouse(self) -> None:
        """Make the warehouse if it is not there; a remote one too."""
        await self.warehouse.create()

    async def stop(self) -> None:
        """End in the order in which nothing that was begun is lost; each step, if one fails too."""
        async with contextlib.AsyncExitStack() as steps:  # the last one named is the first taken
            steps.callback(self.close)
            if self._keeper is not None:
                steps.callback(self._keeper.close)
            steps.push_async_callback(self.writer.stop)
            if self._expiry is not None:
                steps.callback(self._expiry.cancel)
            steps.push_async_callback(self.pool.close)
            steps.push_async_callback(self.runner.stop)
            steps.push_async_callback(self.configuration.stop)
            steps.push_async_callback(self.watcher.stop)

    def close(self) -> None:
        """Give back files and threads."""
        if self.mailer is not None:
            self.mailer.close()
        self.passwords.close()
        self.seen.close()
        self.views.close()
        self.log.close()


def check_log(place: Place) -> None:
    """Raises LogUnusable."""
    found, shown = archive(place), archive(place).shown(place)
    try:
        if not found.exists(place):
            hint = " It may lie elsewhere: dango events move." if remote(place) else ""
            message = f"{shown} is missing. For a new project: dango init. Else restore it.{hint}"
            raise LogUnusable(message)
        first = next(found.stream(place, upto=1), None)
    except found.ERRORS as error:
        raise LogUnusable(f"{shown} cannot be read ({error}); restore it from a backup.") from None
    if first is None or first[1] != ProjectCreated.type_name():
        raise LogUnusable(f"{shown} does not begin a project; restore it from a backup.")


def http_settings(settings: Settings, *, host: str | None, port: int | None) -> HttpSettings:
    """The part that decides about HTTP; flags go before the file."""
    reads = settings.auth.anonymous_reads
    return HttpSettings(
        host=host or settings.platform.host,
        port=settings.platform.port if port is None else port,
        public_url=settings.platform.public_url,
        anonymous_reads=str(reads).lower(),
        auth_enabled=settings.auth.enabled,
        require_2fa=settings.auth.require_2fa,
        trusted_proxies=settings.platform.trusted_proxies,
        allowed_hosts=settings.platform.allowed_hosts,
        allowed_origins=settings.platform.allowed_origins,
        body_bytes_max=settings.api.body_bytes_max,
        query_timeout_s=settings.api.query_timeout_seconds,
        query_rows_max=settings.api.query_max_rows,
        queries_per_user_max=settings.api.queries_per_user_max,
        requests_per_address_max=settings.api.requests_per_address_max,
        requests_per_account_max=settings.api.requests_per_account_max,
        requests_max=settings.api.requests_max,
        upload_bytes_max=settings.upload.max_bytes,
        project_name=settings.project.name,
        organization=settings.project.organization,
        metabase_url=f"http://localhost:{settings.platform.metabase_port}",
        dbt_docs_url=settings.platform.dbt_docs_url,
        session_idle_s=settings.auth.idle_timeout_minutes * 60,
        session_absolute_s=settings.auth.session_max_days * 24 * 3600,
    )


def log_place(project: Project, settings: Settings) -> str:
    """Where the log lies: in its own file below the project, or as project.yml says."""
    block = settings.storage
    return f"{block.events}#{block.events_schema}" if block.events else str(project.events)


def warehouse_settings(project: Project, settings: Settings) -> WarehouseSettings:
    """Where the warehouse lies: embedded below the project, or as project.yml says."""
    block = settings.storage.warehouse
    return WarehouseSettings(
        catalog=block.catalog or str(project.catalog),
        data=block.data or str(project.data),
        temp_directory=str(project.temp),
        s3=block.s3,
        memory_bytes_max=block.memory_bytes_max,
        load_deadline_s=settings.sync.timeout_minutes * 60,
        loads_max=settings.sync.max_parallel,
    )


def worker_configs(warehouse: WarehouseSettings) -> dict[str, msgspec.Raw]:
    """The start message of each kind of worker."""
    configs: dict[str, msgspec.Struct | None] = {
        "load": LoadSettings(warehouse=warehouse),
        "fetch": LoadSettings(warehouse=warehouse),
        "query": QuerySettings(warehouse=warehouse),
        "warehouse": warehouse,
        "log": None,
    }
    return {kind: encoded(config) for kind, config in configs.items()}

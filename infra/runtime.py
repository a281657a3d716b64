"""A project that is open: everything built, wired, started and stopped. The composition root."""

import contextlib
from datetime import UTC, datetime

import msgspec

from api.authentication import authenticate
from api.platform import HttpSettings, Platform, WatcherStatus
from commands.policies.syncs import SyncPolicy
from commands.ports import Progress
from commands.table import DECIDERS
from domain.registry import EVENTS
from domain.upcasters import UPCASTERS
from infra import disks, event_log, keys, master_keys, policy_table, schedules
from infra.backups import note
from infra.backups import wired as backups
from infra.clocks import Ticking
from infra.configuration import dotenv
from infra.configuration.project import Settings
from infra.configuration.watch import Configuration
from infra.dashboards import wired as dashboards
from infra.gauges import MachineGauges
from infra.grants.providers import providers as grant_providers
from infra.grants.renewing import Renewing
from infra.history import LogHistory
from infra.http_settings import attempts, http_settings
from infra.identities.providers import providers
from infra.ids import new_id, new_token
from infra.log.envelope import Codec
from infra.log.places import open_log
from infra.log.port import LogInUse, Place
from infra.log.vault import Vault
from infra.mailer import SmtpMailer
from infra.modelling import wired
from infra.modelling.dbt import DbtModelling
from infra.modelling.settings import ModelSettings
from infra.notebooks import wired as notebooks
from infra.notebooks.files import NotebookFolder
from infra.passwords import Argon2Passwords
from infra.policies import Runner
from infra.profiles import ProfilesFile
from infra.project import Project, ProjectInUse
from infra.rebuild import ViewsUpkeep
from infra.secret_values import VaultValues
from infra.seen import SeenFile
from infra.staleness import StaleClock
from infra.tidying import tidying
from infra.uploads import UploadFolders
from infra.vault_keys import Rotation
from infra.version import program_version
from infra.views.views import Views
from infra.warehouse import wired as loading
from infra.warehouse.configured import warehouse_settings
from infra.warehouse.keeper import Keeper
from infra.warehouse.lake import LakeWarehouse, kinds, write_lease
from infra.watcher.watcher import watching
from infra.workers import configs
from infra.workers.pool import Pool
from infra.writer import Writer
from projections import live
from projections import secrets as secrets_known
from projections.live import Ring
from projections.table import PROJECTIONS


def clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


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
        modelling = wired.settings(project, settings, self._warehouse_settings)
        self.pool = self._pool(modelling)
        self.warehouse = LakeWarehouse(self.pool, self._warehouse_settings)
        self.modelling = DbtModelling(self.pool, modelling)
        self.ring = Ring(self.log.head())
        self.writer.listeners.append(self.ring.committed)
        self.history = LogHistory(self.log, self.codec, self.pool)
        self.upkeep = ViewsUpkeep(self.views, self.writer, self.pool, self.log)
        self.passwords = Argon2Passwords()
        self.secret_values = VaultValues(self.vault)
        self.seen = SeenFile(project.seen)
        self.profiles = ProfilesFile(project.profiles)
        smtp = settings.notifications.smtp
        self.mailer = None if smtp is None else SmtpMailer(smtp)
        self._reach_others()
        self.configuration = Configuration(project, self.writer, self.vault.digest)
        self.grants = grant_providers(settings.oauth, clock)
        self.syncs = self._sync_policy()
        base_url = http_settings(settings, host=host, port=port).base_url
        policies = policy_table.every(self, base_url, clock)
        self.runner = Runner(self.log, self.codec, self.writer, policies)
        dbt = project.root / settings.platform.dbt_project_dir
        self._kept = backups.folders(self.views, project, settings)
        self.gauges = MachineGauges(project, self.pool, clock, dbt=dbt, backups=self._kept)
        self.writer.listeners.append(self.gauges.committed)
        self.scheduler = schedules.scheduler(self.writer, self.views, clock)
        self.clocks = self._clocks()
        self._serves = host is not None  # a single command does not do what has come due
        self.watcher = watching(project.root, settings.platform, self.writer, self.views, clock)
        self._keeper: Keeper | None = None
        self.platform = self._platform(host, port)

    def _open_log(self, new: Place | None) -> None:
        """Log, vault, views and the writer over them."""
        project = self.project
        place = new or event_log.place(project, self.settings)
        masters = master_keys.load(project.master_key)
        if new is None:
            event_log.check(place)
        self.codec = Codec(EVENTS, UPCASTERS)
        try:
            self.log = open_log(place)
        except LogInUse as error:
            raise ProjectInUse(str(error)) from None
        self.vault = Vault(self.log, keys.unlock(masters, self.log), clock)
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
        self.tidying = tidying(self.log, self.vault, self.views, self.writer, self._follow)
        self.vault_keys = Rotation(self.log, self.vault, self.writer, project.master_key)

    def _reach_others(self) -> None:
        """The servers that requests are passed on to: Metabase, and editors of notebooks."""
        warehouse = self._warehouse_settings
        self.dashboards = dashboards.metabase(self.project, self.settings, warehouse)
        self.dashboard_sessions = dashboards.policy(
            self.writer, self.dashboards, self.vault, self.views
        )
        root = self.project.root
        self.notebooks = notebooks.sessions(self.pool, root)
        self.notebook_policy = notebooks.policy(
            self.writer, self.views, root, self.notebooks, seen=self.seen, clock=clock
        )

    def _pool(self, modelling: ModelSettings) -> Pool:
        project, settings, warehouse = self.project, self.settings, self._warehouse_settings
        copying = backups.settings(project, settings, warehouse, self.log.place, program_version())
        return Pool(
            configs.every(warehouse, modelling, copying),
            kinds=kinds(warehouse),
            lease=write_lease(warehouse),
            spares=settings.platform.spare_workers,
        )

    def _sync_policy(self) -> SyncPolicy:
        return loading.policy(
            self.writer,
            self.warehouse,
            self.views,
            root=self.project.root,
            secrets=self.secret_values,
            event=self.history.event,
            show=self._show_progress,
            parallel=self.settings.sync.max_parallel,
            renew=Renewing(self.writer, self.vault, self.grants, clock),
        )

    def _clocks(self) -> tuple[Ticking, ...]:
        copying = backups.clock(self.writer, self.views, self.project, self.settings, clock)
        staleness = StaleClock(self.writer, lambda: self.views.current, clock)
        disk = disks.clock(
            self.writer,
            self.views,
            self.project,
            self.settings,
            self.log,
            backups=self._kept,
            now=clock,
        )
        locks = notebooks.clock(self.notebook_policy)
        return tuple(filter(None, (self.scheduler, copying, staleness, disk, locks)))

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
            attempts=attempts(self.settings),
            settings=self._http(host, port),
            version=program_version(),
            started_at=clock(),
            progress=self.syncs.progress,
            ring=self.ring,
            workers=lambda: [msgspec.structs.asdict(kind) for kind in self.pool.status()],
            checks=(self._views_stand, self._writer_failed, self._policies_stand),
            clocks=self._clocks_failing,
            providers=providers(self.settings.auth.oauth, clock),
            grants=self.grants,
            editor=self.configuration,
            overrides=self.configuration,
            schedules_editor=self.configuration,
            watcher=lambda: msgspec.convert(self.watcher.status(), WatcherStatus),
            uploads=UploadFolders(self.project.root),
            dashboards=self.dashboards,
            dashboard_sessions=self.dashboard_sessions,
            notebook_files=NotebookFolder(self.project.root),
            notebook_sessions=self.notebooks,
            secret_values=self.secret_values,
            vault_keys=self.vault_keys,
            root=str(self.project.root),
            mailer=self.mailer,
            profiler=self.warehouse,
            profiles=self.profiles,
            reload=self.configuration.reload,
            documents=self.project.dbt_docs,
            gauges=self.gauges,
            scheduling=lambda: self.scheduler.running,
            read_models=wired.reader(self.writer, self.modelling, self.views),
        )

    def _http(self, host: str | None, port: int | None) -> HttpSettings:
        told = msgspec.structs.replace(
            http_settings(self.settings, host=host, port=port),
            backups_to=backups.place(self.project, self.settings),
            metabase=self.project.metabase_yml.is_file(),
        )
        return dashboards.told(told, self.project, self.dashboards)

    # readiness

    def _views_stand(self) -> str | None:
        return None if self.views.broken is None else f"The views have stopped: {self.views.broken}"

    def _writer_failed(self) -> str | None:
        return self.writer.failed

    def _policies_stand(self) -> str | None:
        return self.runner.problem()

    def _clocks_failing(self) -> list[str]:
        """What does not come due; requests are served rightly all the same."""
        others = (self.tidying.problem, self.watcher.problem, self.configuration.problem)
        return [*filter(None, (*(each.problem for each in self.clocks), *others))]

    # life

    async def start(self, *, policies: bool = True) -> None:
        """Begin to take commands, take the configuration, end what a dead process left open.

        Without `policies` nothing is ended or begun that is not asked for. Whoever starts must
        stop, also when the start fails.
        """
        self.writer.start()
        self.tidying.start()
        if self._warehouse_settings.embedded:
            if not self.project.catalog.exists():
                await self.make_warehouse()
            self._keeper = Keeper(self.project.catalog)
        if self._serves:  # a single command waits for the worker that it needs, and for no other
            self.pool.start()
        await self._take_over()
        await self.configuration.start()
        if policies:
            self.upkeep.healed = self._follow
            await self._follow()
            await self.watcher.start()

    async def _take_over(self) -> None:
        """Tell what it was restored from; an existing project's `.env` goes to the vault: once."""
        if self.views.broken is not None:  # the next start does it
            note.refuse(self.project.restored, self.views.broken)
            return
        await note.tell(self.project.restored, self.writer)
        known = {secret.name for secret in secrets_known.every(self.views.current)}
        await dotenv.take_over(self.project.root / dotenv.FILE, self.writer, known)

    async def _follow(self) -> None:
        """Let the policies follow the log, as soon as the views stand."""
        if self.views.broken is None and not self.runner.running:
            await self.runner.start()
            if self._serves:
                for each in self.clocks:
                    each.start()

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
            steps.push_async_callback(self.tidying.stop)
            steps.push_async_callback(self.pool.close)
            steps.push_async_callback(self.platform.passage.close)
            steps.push_async_callback(self.runner.stop)
            steps.push_async_callback(self.configuration.stop)
            steps.push_async_callback(self.watcher.stop)
            for each in self.clocks:
                steps.push_async_callback(each.stop)

    def close(self) -> None:
        """Give back files and threads."""
        if self.mailer is not None:
            self.mailer.close()
        self.passwords.close()
        self.seen.close()
        self.profiles.close()
        self.views.close()
        self.log.close()

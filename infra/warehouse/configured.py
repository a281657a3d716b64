"""The warehouse's settings, from those of the project."""

from infra.configuration.project import Settings as ProjectSettings
from infra.project import Project
from infra.warehouse.settings import Settings


def warehouse_settings(project: Project, settings: ProjectSettings) -> Settings:
    """Where the warehouse lies: embedded below the project, or as project.yml says."""
    block = settings.storage.warehouse
    return Settings(
        catalog=block.catalog or str(project.catalog),
        data=block.data or str(project.data),
        temp_directory=str(project.temp),
        s3=block.s3,
        memory_bytes_max=block.memory_bytes_max,
        load_deadline_s=settings.sync.timeout_minutes * 60,
        loads_max=settings.sync.max_parallel,
    )

from husk.tracemalloc import ExportFormat as ExportFormat
from husk.tracemalloc import export_formats as export_formats

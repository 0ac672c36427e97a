"""The guide's reports of meters in every form that they are written in: CSV, JSON, XLSX, Parquet, LSE, Green Button."""

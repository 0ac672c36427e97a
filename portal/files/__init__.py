"""The folders that companies fetch their files from, over FTPS and SFTP."""

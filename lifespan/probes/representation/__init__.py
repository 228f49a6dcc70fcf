"""What do its states hold?"""
